-- A ledger as schema version 1 wrote it (commit f670bf6): every kind of event there was, and the register they made.
BEGIN TRANSACTION;
CREATE TABLE applicable (
	endpoint TEXT NOT NULL, 
	"update" TEXT NOT NULL, 
	PRIMARY KEY (endpoint, "update")
);
INSERT INTO "applicable" VALUES('ACME-DC01','0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001');
CREATE TABLE approvals (
	"update" TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	decision TEXT, 
	"by" TEXT, 
	at TEXT, 
	reason TEXT, 
	client TEXT, 
	until TEXT, 
	code TEXT, 
	promote INTEGER, 
	PRIMARY KEY ("update", scope)
);
INSERT INTO "approvals" VALUES('5091211','','approved','j.doe','2026-11-11T02:01:00.000000+00:00','as agreed with the client',NULL,NULL,NULL,0);
CREATE TABLE authorizations (
	scope TEXT NOT NULL, 
	cycle TEXT NOT NULL, 
	"by" TEXT, 
	at TEXT, 
	reason TEXT, 
	PRIMARY KEY (scope, cycle)
);
INSERT INTO "authorizations" VALUES('{"endpoint":"ACME-DC01"}','2026-11','j.doe','2026-11-11T02:02:00.000000+00:00','as agreed with the client');
CREATE TABLE endpoints (
	name TEXT NOT NULL, 
	client TEXT, 
	location TEXT, 
	ring TEXT, 
	kind TEXT, 
	role TEXT, 
	criticality TEXT, 
	redundancy_group TEXT, 
	scanned_at TEXT, 
	reboot_pending_since TEXT, 
	reminded_at TEXT, 
	installed_at TEXT, 
	rebooted_at TEXT, 
	validated_at TEXT, 
	job_kind TEXT, 
	job_id TEXT, 
	job_started_at TEXT, 
	job_updates TEXT, 
	job_limit_seconds INTEGER, 
	reboot_requested_at TEXT, 
	reboot_boot_id TEXT, 
	boot_id TEXT, 
	services_before TEXT, 
	posture TEXT, 
	posture_at TEXT, 
	checking_since TEXT, 
	retry_step TEXT, 
	retry_at TEXT, 
	unreachable_since TEXT, 
	last_decision TEXT, 
	decided_at TEXT, 
	last_cycle TEXT, 
	attempts INTEGER, 
	unreachable_count INTEGER, 
	failed_run TEXT, 
	failed_failure TEXT, 
	failed_text TEXT, 
	PRIMARY KEY (name)
);
INSERT INTO "endpoints" VALUES('ACME-DC01','Acme',NULL,'pilot','server','file_server','P2',NULL,'2026-11-11T02:04:00.000000+00:00',NULL,NULL,'2026-11-11T02:10:00.000000+00:00','2026-11-11T02:18:00.000000+00:00','2026-11-11T02:20:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'200',NULL,'{"boot_id":"100","boot_time":"2026-11-11T02:00:00.000000+00:00","now":"2026-11-11T02:00:00.000000+00:00","reboot_pending":false,"services_running":["LTService","LanmanServer"]}','2026-11-11T02:08:00.000000+00:00',NULL,NULL,NULL,NULL,'{"action":"install","node":"deploy.install","updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"]}','2026-11-11T02:07:00.000000+00:00','2026-11',0,0,'3c0e7d5a-0000-4000-8000-000000000001','f-1','again');
INSERT INTO "endpoints" VALUES('ACME-WS01','Acme',NULL,'pilot','server','file_server','P2',NULL,NULL,NULL,'2026-11-11T02:32:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	endpoint TEXT, 
	run TEXT NOT NULL, 
	at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(1,'run.opened',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:01:00.000000+00:00','{"by":"j.doe","ring":"pilot","simulated":false}','8e9ab01a2b9213281984d7de863808dccc85433d4d0eb33e35d08073d5692a74');
INSERT INTO "events" VALUES(2,'approval.recorded',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:01:00.000000+00:00','{"by":"j.doe","client":null,"decision":"approved","promote":false,"reason":"as agreed with the client","until":null,"update":"5091211"}','f58097a5984a48f7022a665e0bf33e45476fb83e109e2a74f66a7c266e98d921');
INSERT INTO "events" VALUES(3,'authorization.given',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:02:00.000000+00:00','{"by":"j.doe","cycle":"2026-11","reason":"as agreed with the client","scope":{"endpoint":"ACME-DC01"}}','2b68cd064738a8d91df6a7f5d24d863ef6d31b54a3a98cfe47ee258ea14cf5d8');
INSERT INTO "events" VALUES(4,'scan.started','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:03:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"job":"j1","limit_seconds":600}','77e5322cc7ab97af9a4b038256018ea3c0ba60b48ece6d9314afc8239fa4050e');
INSERT INTO "events" VALUES(5,'scan.finished','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:04:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"updates":[{"id":"5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","kb":["5091211"],"severity":"Critical","title":"Cumulative Update — größer"},{"id":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001","kb":["5091231"]}]}','3bc974fcea911c644b2a3923644857b86088cbbbf0a6537126308f81634623b4');
INSERT INTO "events" VALUES(6,'updates.described',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:05:00.000000+00:00','{"updates":[{"id":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001","severity":"Important","vendor":"Microsoft"}]}','42594f3fdb027004b2d3e66ece38c252b6c9d3dcc07f7d9b8cc061945afdf66d');
INSERT INTO "events" VALUES(7,'posture.observed','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:06:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"100","boot_time":"2026-11-11T02:00:00.000000+00:00","now":"2026-11-11T02:00:00.000000+00:00","reboot_pending":false,"services_running":["LTService","LanmanServer"]}','de6256b33ded2a1c364ef2baf336b46fbc891215f7514f5e68fcd693b736fa28');
INSERT INTO "events" VALUES(8,'plan.decided','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:07:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"cycle":"2026-11","decision":{"action":"install","node":"deploy.install","updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"]}}','e98497b2136fc7e14957fb2529e239f42534f475b7221022c32ffb00b6ef9f56');
INSERT INTO "events" VALUES(9,'posture.observed','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:08:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"100","boot_time":"2026-11-11T02:00:00.000000+00:00","now":"2026-11-11T02:00:00.000000+00:00","reboot_pending":false,"services_running":["LTService","LanmanServer"]}','c18c856b724733e3cf115feb76b4a9a51e14b2e821188c7f711b59fc8e0d7df8');
INSERT INTO "events" VALUES(10,'install.started','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:09:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"job":"j2","limit_seconds":3600,"updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"]}','159157ee5086fb15dbbf2b0b69c34c331107b2c76fb46a75b5d9055298988cc6');
INSERT INTO "events" VALUES(11,'install.finished','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:10:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"reboot_required":true,"results":[{"hresult":null,"ok":true,"update":"5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b"},{"hresult":"0x80070643","ok":false,"update":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"}]}','fd20f84b8c88da5f3da329f8b5d148c71bc3673a6cdc8a6b1257fcfc4afe88f2');
INSERT INTO "events" VALUES(12,'retry.scheduled','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:11:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"at":"2026-11-11T02:15:00.000000+00:00","attempt":1,"step":"install"}','ece8f7f666721968b38c47948a13dcf6856cf3dd4fea3ebf6dcc3411f2a4740b');
INSERT INTO "events" VALUES(13,'failure.opened','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:12:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"class":"update","cycle":"2026-11","hresult":"0x80070643","id":"f-1","name":"ERROR_INSTALL_FAILURE","next_window":null,"step":"install","text":"KB5091231: 0x80070643","update":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"}','3e5a0c751aec942b72a9262a6b02986a79135e8086543e9becc5629c6f071439');
INSERT INTO "events" VALUES(14,'hold.placed',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:13:00.000000+00:00','{"failure":"f-1","id":"h-1","reason":"f-1","scope":{"client":"Acme","ring":"pilot"}}','50c0cb84642da52638ef822c5af2a467bedf2b3fa78b8033f249ce1d141ff8e4');
INSERT INTO "events" VALUES(15,'ticket.wanted',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:14:00.000000+00:00','{"id":"t-1","priority":2,"summary":"failed","text":"what to do","xref":"msp.patching/ACME-DC01/f-1"}','1faf5d186d961d3e734d15c8b6c477dc71ec265625c7a9c44d7fb727e360d83a');
INSERT INTO "events" VALUES(16,'ticket.sent',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:15:00.000000+00:00','{"id":"t-1","ticket":4711,"xref":"msp.patching/ACME-DC01/f-1"}','06ef6df038d7150806392441e2f8133a2dac8522f8c9dfce8499b01c0d6cf4df');
INSERT INTO "events" VALUES(17,'failure.repeated','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:16:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"failure":"f-1","text":"again"}','77fc3865035c74502c05d819493a9eeca07d6bd26e36abf928c8b827ad74142d');
INSERT INTO "events" VALUES(18,'reboot.started','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:17:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"100"}','c29629c37a6cc0088558fd4f42909e67e50ed13958adc3a668559373ee520fce');
INSERT INTO "events" VALUES(19,'reboot.confirmed','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:18:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"200","boot_time":"2026-11-11T02:17:00.000000+00:00"}','f2900b9d3f44c18548d961a44f22739dd9dd956a190114782328279108fae18e');
INSERT INTO "events" VALUES(20,'validation.checking','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:19:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"checks":[{"name":"online","ok":true,"seen":"yes"}]}','917aa19aa0299cfdce96db245d7ed2747caeb55b9b4d88677f214562df746388');
INSERT INTO "events" VALUES(21,'validation.finished','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:20:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"checks":[{"name":"online","ok":true,"seen":"yes"}],"healthy":true}','ad6071a32ecdcef8f8f1f82954423c76f360d887c9e961b34b0fc5c46c592051');
INSERT INTO "events" VALUES(22,'run.closed',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:21:00.000000+00:00','{"hosts":{"ACME-DC01":{"ok":20}}}','1215048bcdcba6675d05355db9721816a3b63598cb56220d77f1289983b127aa');
INSERT INTO "events" VALUES(23,'run.opened',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:22:00.000000+00:00','{"by":"j.doe","ring":"pilot","simulated":false}','3ee9ffc9de62ed9d8eef06c7678ad7951df81bb8df2342f83c40ed4a70ead933');
INSERT INTO "events" VALUES(24,'endpoint.unreachable','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:22:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"during":"scan","message":"refused"}','abce997191d99fd9eb4f4f5e43359c14ac70a39d439aba7cbc350e3fa576a6e8');
INSERT INTO "events" VALUES(25,'step.failed','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:23:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"message":"broken","step":"scan"}','6b11eeeac803e1d62ffbafb1e11bcf53df9ae076909f354f966f3beb83697484');
INSERT INTO "events" VALUES(26,'job.lost','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:24:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"job":"j9","message":"gone"}','2f2e60062df74f171b67b7829e8a9c4c5d766b18610ec3fe4b541944611c2426');
INSERT INTO "events" VALUES(27,'reminder.shown','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:25:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"text":"please restart"}','7a65f40d7c9552725b710ad1b6553e7ad6a916adca14ccacfa7fbc57ba6ed322');
INSERT INTO "events" VALUES(28,'failure.root_cause',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:26:00.000000+00:00','{"by":"j.doe","code":"DISK","failure":"f-1","text":"disk was full"}','741d1f1c6e8e75e7b6fd47bc9be60afa654690ea699b2245c75bc5faf7b3a3a2');
INSERT INTO "events" VALUES(29,'hold.released',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:27:00.000000+00:00','{"by":"j.doe","id":"h-1","reason":"as agreed with the client"}','f9f027dac39e458d8d44f7e7d7ce7dfd88cab950fd752c795653d5a76929b627');
INSERT INTO "events" VALUES(30,'exception.granted',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:28:00.000000+00:00','{"by":"j.doe","code":"LEGACY","expires":"2027-02-09T02:27:00.000000+00:00","id":"e-1","reason":"as agreed with the client","scope":{"client":"Bolt"}}','586241f4ee233d2081c65b934bdb26068a3fc69cfc9c81ee4348707e0a3dc5ae');
INSERT INTO "events" VALUES(31,'exception.signed',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:29:00.000000+00:00','{"by":"j.doe","id":"e-1","signed_at":"2026-11-11T02:28:00.000000+00:00","signed_by":"B. Olt"}','cb272dbf3a8e2c67efb1dc6a0002f5791a4f3b381eedf1152e067a1ea9deef11');
INSERT INTO "events" VALUES(32,'exception.granted',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:30:00.000000+00:00','{"by":"j.doe","code":"LEGACY","expires":null,"id":"e-2","reason":"as agreed with the client","scope":{"role":"exchange"}}','1f27e5615e8d4cbfaa859272fa572be27caa5529af7f19e9485c5116b40d44c4');
INSERT INTO "events" VALUES(33,'exception.revoked',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:31:00.000000+00:00','{"by":"j.doe","id":"e-2","reason":"as agreed with the client"}','063a230795a4c862d2d87bd2ff4f23dfd716317381c8a1b37eb09bf13cdfcbc9');
INSERT INTO "events" VALUES(34,'reminder.shown','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:32:00.000000+00:00','{}','25cb19d530dc40f29c34d61fce9f46407809507c104d34c27b110773966d2449');
CREATE TABLE exceptions (
	id TEXT NOT NULL, 
	scope TEXT, 
	reason TEXT, 
	code TEXT, 
	granted_by TEXT, 
	granted_at TEXT, 
	expires TEXT, 
	signed_by TEXT, 
	signed_at TEXT, 
	revoked_at TEXT, 
	revoked TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "exceptions" VALUES('e-1','{"client":"Bolt"}','as agreed with the client','LEGACY','j.doe','2026-11-11T02:28:00.000000+00:00','2027-02-09T02:27:00.000000+00:00','B. Olt','2026-11-11T02:28:00.000000+00:00',NULL,NULL);
INSERT INTO "exceptions" VALUES('e-2','{"role":"exchange"}','as agreed with the client','LEGACY','j.doe','2026-11-11T02:30:00.000000+00:00',NULL,NULL,NULL,'2026-11-11T02:31:00.000000+00:00','{"by":"j.doe","reason":"as agreed with the client"}');
CREATE TABLE failures (
	id TEXT NOT NULL, 
	endpoint TEXT, 
	client TEXT, 
	ring TEXT, 
	kind TEXT, 
	step TEXT, 
	"update" TEXT, 
	hresult TEXT, 
	name TEXT, 
	class TEXT, 
	text TEXT, 
	at TEXT, 
	next_window TEXT, 
	cycle TEXT, 
	repeated_at TEXT, 
	root_cause TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "failures" VALUES('f-1','ACME-DC01','Acme','pilot','server','install','0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001','0x80070643','ERROR_INSTALL_FAILURE','update','KB5091231: 0x80070643','2026-11-11T02:12:00.000000+00:00',NULL,'2026-11','2026-11-11T02:16:00.000000+00:00','{"at":"2026-11-11T02:26:00.000000+00:00","by":"j.doe","code":"DISK","text":"disk was full"}');
CREATE TABLE head (
	id INTEGER NOT NULL, 
	seq BIGINT, 
	hash TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "head" VALUES(1,34,'25cb19d530dc40f29c34d61fce9f46407809507c104d34c27b110773966d2449');
CREATE TABLE holds (
	id TEXT NOT NULL, 
	scope TEXT, 
	reason TEXT, 
	at TEXT, 
	"by" TEXT, 
	failure TEXT, 
	released TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "holds" VALUES('h-1','{"client":"Acme","ring":"pilot"}','f-1','2026-11-11T02:13:00.000000+00:00',NULL,'f-1','{"at":"2026-11-11T02:27:00.000000+00:00","by":"j.doe","reason":"as agreed with the client"}');
CREATE TABLE runs (
	id TEXT NOT NULL, 
	opened_at TEXT, 
	closed_at TEXT, 
	opening TEXT, 
	closing TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:01:00.000000+00:00','2026-11-11T02:21:00.000000+00:00','{"by":"j.doe","ring":"pilot","simulated":false}','{"hosts":{"ACME-DC01":{"ok":20}}}');
INSERT INTO "runs" VALUES('3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:22:00.000000+00:00',NULL,'{"by":"j.doe","ring":"pilot","simulated":false}',NULL);
CREATE TABLE soak (
	"update" TEXT NOT NULL, 
	endpoint TEXT NOT NULL, 
	client TEXT, 
	kind TEXT, 
	installed_at TEXT, 
	validated_at TEXT, 
	healthy INTEGER, 
	PRIMARY KEY ("update", endpoint)
);
INSERT INTO "soak" VALUES('5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b','ACME-DC01','Acme','server','2026-11-11T02:10:00.000000+00:00','2026-11-11T02:20:00.000000+00:00',1);
CREATE TABLE spooled (
	batch TEXT NOT NULL, 
	PRIMARY KEY (batch)
);
INSERT INTO "spooled" VALUES('b-1');
CREATE TABLE tickets (
	id TEXT NOT NULL, 
	xref TEXT, 
	endpoint TEXT, 
	wanted_at TEXT, 
	body TEXT, 
	sent_at TEXT, 
	ticket INTEGER, 
	PRIMARY KEY (id)
);
INSERT INTO "tickets" VALUES('t-1','msp.patching/ACME-DC01/f-1',NULL,'2026-11-11T02:14:00.000000+00:00','{"id":"t-1","priority":2,"summary":"failed","text":"what to do","xref":"msp.patching/ACME-DC01/f-1"}','2026-11-11T02:15:00.000000+00:00',4711);
CREATE TABLE updates (
	id TEXT NOT NULL, 
	record TEXT, 
	first_seen TEXT, 
	last_seen TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "updates" VALUES('5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b','{"id":"5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","kb":["5091211"],"severity":"Critical","title":"Cumulative Update — größer"}','2026-11-11T02:04:00.000000+00:00',NULL);
INSERT INTO "updates" VALUES('0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001','{"id":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001","kb":["5091231"],"severity":"Important","vendor":"Microsoft"}','2026-11-11T02:04:00.000000+00:00',NULL);
CREATE TABLE version (
	version INTEGER NOT NULL, 
	since TEXT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "version" VALUES(1,'2026-11-21T21:14:07.000000+00:00');
CREATE INDEX ix_events_run ON events (run);
CREATE INDEX ix_events_endpoint ON events (endpoint);
CREATE INDEX ix_events_at ON events (at);
CREATE INDEX ix_events_kind ON events (kind);
CREATE INDEX ix_endpoints_reboot_requested_at ON endpoints (reboot_requested_at);
CREATE INDEX ix_endpoints_client ON endpoints (client);
CREATE INDEX ix_applicable_update ON applicable ("update");
CREATE INDEX ix_failures_root_cause ON failures (root_cause);
CREATE INDEX ix_failures_endpoint ON failures (endpoint);
CREATE INDEX ix_holds_released ON holds (released);
CREATE INDEX ix_soak_endpoint ON soak (endpoint);
CREATE INDEX ix_tickets_xref ON tickets (xref);
CREATE INDEX ix_tickets_sent_at ON tickets (sent_at);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
COMMIT;
