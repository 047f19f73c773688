-- A ledger as schema version 3 wrote it (commit 10c6ee4): every kind of event there was, and the register they made.
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
INSERT INTO "approvals" VALUES('5091211','','approved','j.doe','2026-11-11T02:03:00.000000+00:00','as agreed with the client',NULL,NULL,NULL,0);
CREATE TABLE authorizations (
	scope TEXT NOT NULL, 
	cycle TEXT NOT NULL, 
	"by" TEXT, 
	at TEXT, 
	reason TEXT, 
	PRIMARY KEY (scope, cycle)
);
INSERT INTO "authorizations" VALUES('{"endpoint":"ACME-DC01"}','2026-11','j.doe','2026-11-11T02:04:00.000000+00:00','as agreed with the client');
CREATE TABLE cycles (
	id TEXT NOT NULL, 
	start TEXT, 
	"end" TEXT, 
	opened_at TEXT, 
	"by" TEXT, 
	reason TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "cycles" VALUES('2026-11','2026-11-11T02:00:00.000000+00:00','2026-12-09T02:00:00.000000+00:00','2026-11-11T02:01:00.000000+00:00',NULL,NULL);
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
	unproven TEXT, 
	attempted TEXT, 
	attempted_at TEXT, 
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
	unreachable_run TEXT, 
	PRIMARY KEY (name)
);
INSERT INTO "endpoints" VALUES('ACME-DC01','Acme',NULL,'pilot','server','file_server','P2',NULL,NULL,NULL,NULL,'2026-11-11T02:12:00.000000+00:00','2026-11-11T02:20:00.000000+00:00','2026-11-11T02:22:00.000000+00:00',NULL,NULL,NULL,NULL,'["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b"]','[]','2026-11-11T02:10:00.000000+00:00',NULL,NULL,NULL,'200',NULL,'{"boot_id":"100","boot_time":"2026-11-11T02:00:00.000000+00:00","now":"2026-11-11T02:00:00.000000+00:00","reboot_pending":false,"services_running":["LTService","LanmanServer"]}','2026-11-11T02:10:00.000000+00:00',NULL,NULL,NULL,NULL,'{"action":"install","node":"deploy.install","updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"]}','2026-11-11T02:09:00.000000+00:00','2026-11',0,0,'3c0e7d5a-0000-4000-8000-000000000001','f-1','KB5091231: 0x80070643; again',NULL);
INSERT INTO "endpoints" VALUES('ACME-WS01','Acme',NULL,'pilot','server','file_server','P2',NULL,NULL,NULL,'2026-11-11T02:37:00.000000+00:00','2026-11-11T02:34:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
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
INSERT INTO "events" VALUES(2,'cycle.opened',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:01:00.000000+00:00','{"cycle":"2026-11","end":"2026-12-09T02:00:00.000000+00:00","start":"2026-11-11T02:00:00.000000+00:00"}','6dd9488720fb0ca398aea5dc7c1c9ccb6880c4c7de376c639883cc2d8acd983c');
INSERT INTO "events" VALUES(3,'tier.opened',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:02:00.000000+00:00','{"client":"Acme","cycle":"2026-11","endpoints":["ACME-DC01","ACME-WS01"],"kind":"server","ring":"pilot"}','e13644f6b45658222db3856aaed4788842e4ffd20d12e03aa2846f1872d4992c');
INSERT INTO "events" VALUES(4,'approval.recorded',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:03:00.000000+00:00','{"by":"j.doe","client":null,"decision":"approved","promote":false,"reason":"as agreed with the client","until":null,"update":"5091211"}','ffb4b0986261006d4f3f3cb2db050f4f4f87e1d478846047f3a68dcdd245b31a');
INSERT INTO "events" VALUES(5,'authorization.given',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:04:00.000000+00:00','{"by":"j.doe","cycle":"2026-11","reason":"as agreed with the client","scope":{"endpoint":"ACME-DC01"}}','2b15baa66db5f4c01e2614ded3c58d5f3cdb0c3d735ce069be0f2656263f8c91');
INSERT INTO "events" VALUES(6,'scan.started','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:05:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"job":"j1","limit_seconds":600}','dc67aeda66ae8e4ce07d3c37559dc3de8925dd4813da59be5b52be1ba0128300');
INSERT INTO "events" VALUES(7,'scan.finished','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:06:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"updates":[{"id":"5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","kb":["5091211"],"severity":"Critical","title":"Cumulative Update — größer"},{"id":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001","kb":["5091231"]}]}','f9d5f194c87526899c0b250ebf4e8eb0ded011a3e32eb932eeee56f6c8f9e6f5');
INSERT INTO "events" VALUES(8,'updates.described',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:07:00.000000+00:00','{"updates":[{"id":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001","severity":"Important","vendor":"Microsoft"}]}','0e210b1a7f81f6ff3f92014d212024f52f68c0dfc6e5f02c725b737bb26d7c43');
INSERT INTO "events" VALUES(9,'posture.observed','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:08:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"100","boot_time":"2026-11-11T02:00:00.000000+00:00","now":"2026-11-11T02:00:00.000000+00:00","reboot_pending":false,"services_running":["LTService","LanmanServer"]}','8ce3a4d0fc857f5151809cb5d132f866163405c6029566804268b86241a93c10');
INSERT INTO "events" VALUES(10,'plan.decided','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:09:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"cycle":"2026-11","decision":{"action":"install","node":"deploy.install","updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"]}}','5bfabc9eb0b8a3036820356d4276da5fa9a8727e77e3a7c9cd72eda759a6fae0');
INSERT INTO "events" VALUES(11,'posture.observed','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:10:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"100","boot_time":"2026-11-11T02:00:00.000000+00:00","now":"2026-11-11T02:00:00.000000+00:00","reboot_pending":false,"services_running":["LTService","LanmanServer"]}','4892f1dc977c75e0071fecb3f71e28f7fe779524d5c1c71fc8b47ead2afda860');
INSERT INTO "events" VALUES(12,'install.started','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:11:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"job":"j2","limit_seconds":3600,"updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"]}','14b96c68a50229c0265ddb379ecf81fb8006e8f634fe4ae4ed7a1c6fe1a2ea65');
INSERT INTO "events" VALUES(13,'install.finished','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:12:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"reboot_required":true,"results":[{"hresult":null,"ok":true,"update":"5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b"},{"hresult":"0x80070643","ok":false,"update":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"}]}','ec1a528338b545cedbe9181a2889a3aeddfa632e5cfa8199bd801f34b8aae6ff');
INSERT INTO "events" VALUES(14,'retry.scheduled','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:13:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"at":"2026-11-11T02:17:00.000000+00:00","attempt":1,"step":"install"}','b7d9b49e72d011c829636fff485705310e6b57acc93822042228baa99ec45861');
INSERT INTO "events" VALUES(15,'failure.opened','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:14:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"class":"update","cycle":"2026-11","hresult":"0x80070643","id":"f-1","name":"ERROR_INSTALL_FAILURE","next_window":null,"step":"install","text":"KB5091231: 0x80070643","update":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001"}','d212675e75f4f4cbb02a5362f86669c0353332d4a6213fd7722a1a5689e662fe');
INSERT INTO "events" VALUES(16,'hold.placed',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:15:00.000000+00:00','{"failure":"f-1","id":"h-1","reason":"f-1","scope":{"client":"Acme","ring":"pilot"}}','9d7d85f98c661add1e558edc4fb23d2acefa4a86485d72cc6bead0fd50556a8f');
INSERT INTO "events" VALUES(17,'ticket.wanted',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:16:00.000000+00:00','{"id":"t-1","priority":2,"summary":"failed","text":"what to do","xref":"msp.patching/ACME-DC01/f-1"}','2395aef0be8a5d62aae092a3e82b58d566fe9cb014e89abd44aeb7fced09693d');
INSERT INTO "events" VALUES(18,'ticket.sent',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:17:00.000000+00:00','{"id":"t-1","ticket":4711,"xref":"msp.patching/ACME-DC01/f-1"}','712cba739df0c4c056300eb69e751872ac42b02afc30f8d7302d1f351bd39aa3');
INSERT INTO "events" VALUES(19,'failure.repeated','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:18:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"failure":"f-1","text":"again","told":true}','7cb808af8734bee44fa078e022fcc60a0945a0d701a493fe68f943a135700528');
INSERT INTO "events" VALUES(20,'reboot.started','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:19:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"100"}','88ea8df58c85ab1e4af3988f759d203320317c62946aff18ecdf789248393fb9');
INSERT INTO "events" VALUES(21,'reboot.confirmed','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:20:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"boot_id":"200","boot_time":"2026-11-11T02:19:00.000000+00:00"}','87713288b1f7fdd6cf1f8a81cac44b90269ef92630aa0b2afc436e75f4a7d612');
INSERT INTO "events" VALUES(22,'validation.checking','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:21:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"checks":[{"name":"online","ok":true,"seen":"yes"}]}','64c3ead4b0cee744771bf8c011da94a13491ca7467f4bf962f7eec78961ac7c0');
INSERT INTO "events" VALUES(23,'validation.finished','ACME-DC01','3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:22:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"checks":[{"name":"online","ok":true,"seen":"yes"}],"healthy":true}','5ae0aaddf246e037ed0915a9d156b1da42d46bb1b8f3a8ff9f18d9b62ce3e19a');
INSERT INTO "events" VALUES(24,'run.closed',NULL,'3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:23:00.000000+00:00','{"hosts":{"ACME-DC01":{"ok":20}}}','715a7419c6b6a4f003150a9bbff2bd8c935d945af59864ec0c7b5e59dcc3fccc');
INSERT INTO "events" VALUES(25,'run.opened',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:24:00.000000+00:00','{"by":"j.doe","ring":"pilot","simulated":false}','d73d6829796a68d4c8ed028e5f80e37cba4c685639015a0fc1ed2a83a7dbec76');
INSERT INTO "events" VALUES(26,'endpoint.unreachable','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:24:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"during":"scan","message":"refused"}','9694e9277446b894d00bd4bc106c18e84295058a5dd707c13cc94eccd17d0bbc');
INSERT INTO "events" VALUES(27,'step.failed','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:25:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"message":"broken","step":"scan"}','cf9c94a0f4bf02a440a3222c54d2aa1f6eeb2a881f89820686b646e2c0a4bd46');
INSERT INTO "events" VALUES(28,'job.lost','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:26:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"job":"j9","message":"gone"}','2645aa0c34649ddaecfba72534e8e5cac7d45f36dc20d052123f03a5d8743a84');
INSERT INTO "events" VALUES(29,'reminder.shown','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:27:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"text":"please restart"}','2fe6b8e964def4870423a37c5005eb25895e21f66785cb28ac353df730062035');
INSERT INTO "events" VALUES(30,'failure.root_cause',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:28:00.000000+00:00','{"by":"j.doe","code":"DISK","failure":"f-1","text":"disk was full"}','5ff6cf78353ef337bb6b00e39c520f76f42cd92819af8d9b50cf0644fc165fb7');
INSERT INTO "events" VALUES(31,'hold.released',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:29:00.000000+00:00','{"by":"j.doe","id":"h-1","reason":"as agreed with the client"}','7789fb060e002452716c4bb3b7b3e834af2b985248eb05e2e34a557605952c7c');
INSERT INTO "events" VALUES(32,'exception.granted',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:30:00.000000+00:00','{"by":"j.doe","code":"LEGACY","expires":"2027-02-09T02:29:00.000000+00:00","id":"e-1","reason":"as agreed with the client","scope":{"client":"Bolt"}}','3db9b14be7ace867f31df76520de4054a360c898afb94f041e0db79052251115');
INSERT INTO "events" VALUES(33,'exception.signed',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:31:00.000000+00:00','{"by":"j.doe","id":"e-1","signed_at":"2026-11-11T02:30:00.000000+00:00","signed_by":"B. Olt"}','9fb36a5ddd931ccdfb76c0f7515c42316c2ae2ed069b3fcaea5caa0b4c556365');
INSERT INTO "events" VALUES(34,'exception.granted',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:32:00.000000+00:00','{"by":"j.doe","code":"LEGACY","expires":null,"id":"e-2","reason":"as agreed with the client","scope":{"role":"exchange"}}','e8594c9d069ffe88f55c855259b7bda0812604511b5016b7f47dea11efc4eab2');
INSERT INTO "events" VALUES(35,'exception.revoked',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:33:00.000000+00:00','{"by":"j.doe","id":"e-2","reason":"as agreed with the client"}','718a127445cf75721b1d25a7a2517ce3d0199697db925cfdd47e922a12b98ce4');
INSERT INTO "events" VALUES(36,'install.found','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:34:00.000000+00:00','{"about":{"client":"Acme","criticality":"P2","kind":"server","ring":"pilot","role":"file_server"},"updates":["5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b"]}','8136899aa52b378f056fd04e5b2171910bd0c073164c5efac6742c823925d3bc');
INSERT INTO "events" VALUES(37,'window.missed',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:35:00.000000+00:00','{"end":"2026-11-11T02:34:00.000000+00:00","endpoints":["ACME-WS01"],"start":"2026-11-11T02:34:00.000000+00:00","window":"servers","zone":"America/New_York"}','1c0f0d39605ccde763824051bff87d007d8f268e1b4f044274b054e9bdbe86b0');
INSERT INTO "events" VALUES(38,'tier.closed',NULL,'3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:36:00.000000+00:00','{"client":"Acme","cycle":"2026-11","kind":"server","proof":[{"endpoint":"ACME-DC01","reason":"so","stands":"patched"}],"ring":"pilot"}','ed21e241960ad6a750ea045cd493470662424219083dcf45ed5287c30cb869b4');
INSERT INTO "events" VALUES(39,'reminder.shown','ACME-WS01','3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:37:00.000000+00:00','{}','5b8f7457fdee444c69b7f6a2c1c685d5e7761af6bd43dd120590f2ac0b9945ac');
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
INSERT INTO "exceptions" VALUES('e-1','{"client":"Bolt"}','as agreed with the client','LEGACY','j.doe','2026-11-11T02:30:00.000000+00:00','2027-02-09T02:29:00.000000+00:00','B. Olt','2026-11-11T02:30:00.000000+00:00',NULL,NULL);
INSERT INTO "exceptions" VALUES('e-2','{"role":"exchange"}','as agreed with the client','LEGACY','j.doe','2026-11-11T02:32:00.000000+00:00',NULL,NULL,NULL,'2026-11-11T02:33:00.000000+00:00','{"by":"j.doe","reason":"as agreed with the client"}');
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
	told_at TEXT, 
	root_cause TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "failures" VALUES('f-1','ACME-DC01','Acme','pilot','server','install','0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001','0x80070643','ERROR_INSTALL_FAILURE','update','KB5091231: 0x80070643','2026-11-11T02:14:00.000000+00:00',NULL,'2026-11','2026-11-11T02:18:00.000000+00:00','{"at":"2026-11-11T02:28:00.000000+00:00","by":"j.doe","code":"DISK","text":"disk was full"}');
CREATE TABLE head (
	id INTEGER NOT NULL, 
	seq BIGINT, 
	hash TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "head" VALUES(1,39,'5b8f7457fdee444c69b7f6a2c1c685d5e7761af6bd43dd120590f2ac0b9945ac');
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
INSERT INTO "holds" VALUES('h-1','{"client":"Acme","ring":"pilot"}','f-1','2026-11-11T02:15:00.000000+00:00',NULL,'f-1','{"at":"2026-11-11T02:29:00.000000+00:00","by":"j.doe","reason":"as agreed with the client"}');
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT, 
	until TEXT, 
	PRIMARY KEY (name)
);
CREATE TABLE runs (
	id TEXT NOT NULL, 
	opened_at TEXT, 
	closed_at TEXT, 
	opening TEXT, 
	closing TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('3c0e7d5a-0000-4000-8000-000000000001','2026-11-11T02:01:00.000000+00:00','2026-11-11T02:23:00.000000+00:00','{"by":"j.doe","ring":"pilot","simulated":false}','{"hosts":{"ACME-DC01":{"ok":20}}}');
INSERT INTO "runs" VALUES('3c0e7d5a-0000-4000-8000-000000000002','2026-11-11T02:24:00.000000+00:00',NULL,'{"by":"j.doe","ring":"pilot","simulated":false}',NULL);
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
INSERT INTO "soak" VALUES('5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b','ACME-DC01','Acme','server','2026-11-11T02:12:00.000000+00:00','2026-11-11T02:22:00.000000+00:00',1);
INSERT INTO "soak" VALUES('5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b','ACME-WS01','Acme','server','2026-11-11T02:34:00.000000+00:00',NULL,NULL);
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
INSERT INTO "tickets" VALUES('t-1','msp.patching/ACME-DC01/f-1',NULL,'2026-11-11T02:16:00.000000+00:00','{"id":"t-1","priority":2,"summary":"failed","text":"what to do","xref":"msp.patching/ACME-DC01/f-1"}','2026-11-11T02:17:00.000000+00:00',4711);
CREATE TABLE tiers (
	cycle TEXT NOT NULL, 
	client TEXT NOT NULL, 
	ring TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	opened_at TEXT, 
	closed_at TEXT, 
	proof TEXT, 
	PRIMARY KEY (cycle, client, ring, kind)
);
INSERT INTO "tiers" VALUES('2026-11','Acme','pilot','server','2026-11-11T02:02:00.000000+00:00','2026-11-11T02:36:00.000000+00:00','[{"endpoint":"ACME-DC01","reason":"so","stands":"patched"}]');
CREATE TABLE updates (
	id TEXT NOT NULL, 
	record TEXT, 
	first_seen TEXT, 
	described_at TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "updates" VALUES('5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b','{"id":"5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b","kb":["5091211"],"severity":"Critical","title":"Cumulative Update — größer"}','2026-11-11T02:06:00.000000+00:00',NULL);
INSERT INTO "updates" VALUES('0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001','{"id":"0c7d2b66-90a5-4d6e-8f0a-21b8a4f9d001","kb":["5091231"],"severity":"Important","vendor":"Microsoft"}','2026-11-11T02:06:00.000000+00:00','2026-11-11T02:07:00.000000+00:00');
CREATE TABLE version (
	version INTEGER NOT NULL, 
	since TEXT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "version" VALUES(3,'2026-11-21T21:14:07.000000+00:00');
CREATE INDEX ix_events_at ON events (at);
CREATE INDEX ix_events_run ON events (run);
CREATE INDEX ix_events_kind ON events (kind);
CREATE INDEX ix_events_endpoint ON events (endpoint);
CREATE INDEX ix_endpoints_reboot_requested_at ON endpoints (reboot_requested_at);
CREATE INDEX ix_endpoints_client ON endpoints (client);
CREATE INDEX ix_applicable_update ON applicable ("update");
CREATE INDEX ix_failures_endpoint ON failures (endpoint);
CREATE INDEX ix_failures_root_cause ON failures (root_cause);
CREATE INDEX ix_holds_released ON holds (released);
CREATE INDEX ix_soak_endpoint ON soak (endpoint);
CREATE INDEX ix_tickets_xref ON tickets (xref);
CREATE INDEX ix_tickets_sent_at ON tickets (sent_at);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
COMMIT;
