#!powershell

# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        checks = @{
            type = "list"
            elements = "dict"
            required = $true
            options = @{
                name = @{ type = "str"; required = $true }
                type = @{ type = "str"; required = $true; choices = "service", "tcp", "http", "dns" }
                service = @{ type = "str" }
                host = @{ type = "str"; default = "127.0.0.1" }
                port = @{ type = "int" }
                url = @{ type = "str" }
                status = @{ type = "list"; elements = "int"; default = @(200) }
                validate_certs = @{ type = "bool"; default = $true }
                server = @{ type = "str"; default = "127.0.0.1" }
                record = @{ type = "str" }
                timeout = @{ type = "int"; default = 10 }
            }
            required_if = @(
                , @("type", "service", @("service"))
                , @("type", "tcp", @("port"))
                , @("type", "http", @("url"))
                , @("type", "dns", @("record"))
            )
        }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$module.Result.changed = $false

# Each probe answers @{ ok; seen }: whether it is as it should be, and in a few words what was seen.
Function Test-ServiceRunning {
    param ($Check)
    $service = Get-Service -Name $Check.service -ErrorAction SilentlyContinue
    if (-not $service) { return @{ ok = $false; seen = "there is no service $($Check.service)" } }
    @{ ok = ($service.Status -eq "Running"); seen = "service $($Check.service) is $("$($service.Status)".ToLowerInvariant())" }
}

Function Test-TcpPort {
    param ($Check)
    $where = "$($Check.host):$($Check.port)"
    $client = New-Object -TypeName System.Net.Sockets.TcpClient
    try {
        if ($client.ConnectAsync($Check.host, $Check.port).Wait($Check.timeout * 1000)) {
            return @{ ok = $true; seen = "$where accepts connections" }
        }
        @{ ok = $false; seen = "$where did not answer within $($Check.timeout) s" }
    }
    catch {
        @{ ok = $false; seen = "$where refused: $($_.Exception.GetBaseException().Message)" }
    }
    finally {
        $client.Close()  # before .NET 4.6 it has no Dispose() that PowerShell could call
    }
}

# Left to itself Windows PowerShell offers sites no more than TLS 1.0 on Server 2012 R2 and 2016. Where it leaves the choice
# to Windows (SystemDefault, 0) that stays: Windows offers what it has, 1.3 too, which to ask for fails where it lacks it.
$protocols = [System.Net.ServicePointManager]::SecurityProtocol
if ([int]$protocols -ne 0) {
    [System.Net.ServicePointManager]::SecurityProtocol = $protocols -bor [System.Net.SecurityProtocolType]::Tls12
}

Function Test-HttpAnswer {
    param ($Check)
    $request = [System.Net.WebRequest]::CreateHttp($Check.url)
    $request.Timeout = $Check.timeout * 1000
    $request.UserAgent = "msp.patching"
    $request.KeepAlive = $false  # the next check of the site may be one that validates its certificate
    if (-not $Check.validate_certs) { $request.ServerCertificateValidationCallback = { $true } }
    $response = $null
    try {
        $response = $request.GetResponse()
    }
    catch [System.Net.WebException] {
        # an answer with an error status is an answer: whether it is the right one is decided below
        $response = $_.Exception.Response
        if (-not $response) { return @{ ok = $false; seen = "$($Check.url): $($_.Exception.Message)" } }
    }
    $status = [int]$response.StatusCode
    $response.Close()
    @{ ok = ($status -in $Check.status); seen = "$($Check.url) answered $status" }
}

Function Test-DnsAnswer {
    param ($Check)
    try {
        $null = Resolve-DnsName -Name $Check.record -Server $Check.server -DnsOnly -QuickTimeout -ErrorAction Stop
        @{ ok = $true; seen = "$($Check.server) resolves $($Check.record)" }
    }
    catch {
        @{ ok = $false; seen = "$($Check.server) does not resolve $($Check.record): $($_.Exception.Message)" }
    }
}

$module.Result.checks = @(
    foreach ($check in $module.Params.checks) {
        try {
            $answer = switch ($check.type) {
                "service" { Test-ServiceRunning -Check $check }
                "tcp" { Test-TcpPort -Check $check }
                "http" { Test-HttpAnswer -Check $check }
                "dns" { Test-DnsAnswer -Check $check }
            }
        }
        catch {
            # one probe that breaks must not hide the others
            $answer = @{ ok = $false; seen = "the probe itself failed: $($_.Exception.Message)" }
        }
        @{ name = $check.name; ok = [bool]$answer.ok; seen = $answer.seen }
    }
)

$module.ExitJson()
