#!powershell

# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.AddType

$spec = @{
    options = @{
        title = @{ type = "str"; required = $true }
        text = @{ type = "str"; required = $true }
        seconds = @{ type = "int"; default = 3600 }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$module.Result.changed = $false

# What msg.exe calls. That itself is missing on some editions, says what went wrong in the language of the machine, and
# asked for all sessions may fail where nobody is logged on to the console, though somebody is by Remote Desktop.
Add-CSharpType -AnsibleModule $module -References @'
using System;
using System.Runtime.InteropServices;

namespace MspPatching
{
    public static class Desktop
    {
        // MB_ICONINFORMATION and MB_SYSTEMMODAL: in front of what the user works with
        private const int Style = 0x1040;

        // The lengths are in bytes.
        [DllImport("wtsapi32.dll", EntryPoint = "WTSSendMessageW", CharSet = CharSet.Unicode, SetLastError = true)]
        private static extern bool WTSSendMessage(IntPtr server, int session, string title, int titleLength,
            string text, int textLength, int style, int seconds, out int response, bool wait);

        // 0, or the error of Windows. Does not wait for the user.
        public static int Tell(int session, string title, string text, int seconds)
        {
            int response;
            bool sent = WTSSendMessage(IntPtr.Zero, session, title, title.Length * 2, text, text.Length * 2, Style,
                seconds, out response, false);
            return sent ? 0 : Marshal.GetLastWin32Error();
        }
    }
}
'@

# $null where the session was told, and else why it was not.
Function Send-Text {
    param ([int]$Session)
    if ($module.CheckMode) { return "not told: check mode" }
    $code = [MspPatching.Desktop]::Tell($Session, $module.Params.title, $module.Params.text, $module.Params.seconds)
    if ($code) { (New-Object -TypeName System.ComponentModel.Win32Exception -ArgumentList $code).Message }
}

# Sessions with a user in them, as win_posture counts them.
$sessions = @(Get-Process -Name explorer -ErrorAction SilentlyContinue | Select-Object -ExpandProperty SessionId -Unique)
$module.Result.sessions = @(
    foreach ($session in $sessions) {
        $wrong = Send-Text -Session $session
        @{ session = [int]$session; ok = $null -eq $wrong; message = $wrong }
    }
)
$module.ExitJson()
