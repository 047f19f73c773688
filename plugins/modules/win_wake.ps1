#!powershell

# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        machines = @{
            type = "list"
            elements = "dict"
            required = $true
            options = @{
                name = @{ type = "str"; required = $true }
                mac = @{ type = "str"; required = $true }
            }
        }
        port = @{ type = "int"; default = 9 }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$module.Result.changed = $false

# Six bytes of FF, then the address sixteen times; $null where it is no address.
Function Get-MagicPacket {
    param ([string]$Mac)
    $digits = $Mac -replace "[^0-9A-Fa-f]", ""
    if ($digits.Length -ne 12) { return $null }
    $address = [byte[]](0, 2, 4, 6, 8, 10 | ForEach-Object { [System.Convert]::ToByte($digits.Substring($_, 2), 16) })
    $packet = [byte[]](@(0xFF) * 6)
    foreach ($turn in 1..16) { $packet += $address }
    , $packet
}

# From each address of this machine to the broadcast address of its network, or a machine with several
# adapters asks in one network only, and not always in the one that is meant.
Function Get-Broadcast {
    foreach ($adapter in [System.Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
        if ("$($adapter.OperationalStatus)" -ne "Up") { continue }
        if ("$($adapter.NetworkInterfaceType)" -eq "Loopback") { continue }
        foreach ($unicast in $adapter.GetIPProperties().UnicastAddresses) {
            if ("$($unicast.Address.AddressFamily)" -ne "InterNetwork") { continue }
            $own = $unicast.Address.GetAddressBytes()
            $mask = $unicast.IPv4Mask.GetAddressBytes()
            $all = [byte[]](0..3 | ForEach-Object { $own[$_] -bor (255 - $mask[$_]) })
            @{ from = $unicast.Address; to = New-Object -TypeName System.Net.IPAddress -ArgumentList (, $all) }
        }
    }
}

Function Send-MagicPacket {
    param ([byte[]]$Packet, $Broadcasts, [int]$Port)
    $sent = 0
    $wrong = "this machine has no network to send in"
    foreach ($broadcast in $Broadcasts) {
        $client = $null
        try {
            $here = New-Object -TypeName System.Net.IPEndPoint -ArgumentList $broadcast.from, 0
            $client = New-Object -TypeName System.Net.Sockets.UdpClient -ArgumentList $here
            $client.EnableBroadcast = $true
            # the network's own address, and the one that its switches never route
            foreach ($to in $broadcast.to, [System.Net.IPAddress]::Broadcast) {
                $there = New-Object -TypeName System.Net.IPEndPoint -ArgumentList $to, $Port
                $null = $client.Send($Packet, $Packet.Length, $there)
                $sent += 1
            }
        }
        catch {
            $wrong = $_.Exception.GetBaseException().Message
        }
        finally {
            if ($client) { $client.Close() }
        }
    }
    if ($sent) { return @{ ok = $true; message = "$sent packets sent" } }
    @{ ok = $false; message = $wrong }
}

$broadcasts = @(Get-Broadcast)
$rows = foreach ($machine in $module.Params.machines) {
    $packet = Get-MagicPacket -Mac $machine.mac
    if (-not $packet) {
        $row = @{ ok = $false; message = "$($machine.mac) is no MAC address" }
    }
    elseif ($module.CheckMode) {
        $row = @{ ok = $true; message = "not sent: check mode" }
    }
    else {
        $row = Send-MagicPacket -Packet $packet -Broadcasts $broadcasts -Port $module.Params.port
    }
    @{ name = $machine.name; mac = $machine.mac; ok = $row.ok; message = $row.message }
}
$module.Result.sent = @($rows)
$module.ExitJson()
