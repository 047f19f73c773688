#!powershell

# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        agent_service = @{ type = "str"; default = "LTService" }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$module.Result.changed = $false

# Instants leave as UTC in ISO 8601: the controller works in the endpoint's zone by its IANA name, not by Windows'.
Function ConvertTo-Instant {
    param ([DateTime]$Time)
    $Time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", [System.Globalization.CultureInfo]::InvariantCulture)
}

# Where Windows notes that a restart is needed, as the module ansible.windows.setup reads them, each told by name:
# a technician wants to know which of them it is.
Function Get-RebootReason {
    $cbs = "HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"
    if (Test-Path -LiteralPath "$cbs\RebootPending") { "component based servicing" }
    if (Test-Path -LiteralPath "$cbs\PackagesPending") { "packages pending" }

    $update = "HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
    if (Test-Path -LiteralPath "$update\RebootRequired") { "windows update" }

    $session = "HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager"
    $renames = (Get-ItemProperty -LiteralPath $session -ErrorAction SilentlyContinue).PendingFileRenameOperations
    if ($renames) { "file renames" }

    $names = "HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName"
    $active = (Get-ItemProperty -LiteralPath "$names\ActiveComputerName" -ErrorAction SilentlyContinue).ComputerName
    $next = (Get-ItemProperty -LiteralPath "$names\ComputerName" -ErrorAction SilentlyContinue).ComputerName
    if ($active -ne $next) { "computer rename" }
}

# Automatic services that start by themselves at boot. Those with a trigger, and those with a delayed start, may
# rightly be stopped minutes after a boot; they say nothing about the health of the machine.
Function Get-AutomaticService {
    $services = "HKLM:\SYSTEM\CurrentControlSet\Services"
    foreach ($service in (Get-CimInstance -ClassName Win32_Service -Filter "StartMode = 'Auto'" -Property Name, State)) {
        $key = "$services\$($service.Name)"
        $delayed = (Get-ItemProperty -LiteralPath $key -ErrorAction SilentlyContinue).DelayedAutostart -eq 1
        $triggered = Test-Path -LiteralPath "$key\TriggerInfo"
        if (-not $delayed -and -not $triggered) { $service }
    }
}

# Sessions with a user in them. quser.exe is missing on some editions and its output is translated; explorer.exe runs
# once in each session that somebody is logged on to.
Function Get-LoggedOnCount {
    @(Get-Process -Name explorer -ErrorAction SilentlyContinue | Select-Object -ExpandProperty SessionId -Unique).Count
}

$os = Get-CimInstance -ClassName Win32_OperatingSystem -Property LastBootUpTime, Version, SystemDrive
$revision = (Get-ItemProperty -LiteralPath "HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion" -ErrorAction SilentlyContinue).UBR
$drive = Get-CimInstance -ClassName Win32_LogicalDisk -Filter "DeviceID = '$($os.SystemDrive)'" -Property FreeSpace
$reasons = @(Get-RebootReason)
$automatic = @(Get-AutomaticService)
$agent = Get-Service -Name $module.Params.agent_service -ErrorAction SilentlyContinue

$module.Result.computer_name = [System.Net.Dns]::GetHostName()
$module.Result.boot_id = $os.LastBootUpTime.ToFileTime().ToString()
$module.Result.boot_time = ConvertTo-Instant -Time $os.LastBootUpTime
$module.Result.now = ConvertTo-Instant -Time (Get-Date)
$module.Result.os_build = if ($null -ne $revision) { "$($os.Version).$revision" } else { $os.Version }
$module.Result.reboot_pending = $reasons.Count -gt 0
$module.Result.reboot_pending_reasons = $reasons
$module.Result.services_running = @($automatic | Where-Object State -eq "Running" | ForEach-Object Name | Sort-Object)
$module.Result.services_stopped = @($automatic | Where-Object State -ne "Running" | ForEach-Object Name | Sort-Object)
$module.Result.agent = @{
    service = $module.Params.agent_service
    state = if (-not $agent) { "missing" } elseif ($agent.Status -eq "Running") { "running" } else { "stopped" }
}
$module.Result.users_logged_on = Get-LoggedOnCount
$module.Result.system_drive_free_mb = [int64]($drive.FreeSpace / 1MB)

$module.ExitJson()
