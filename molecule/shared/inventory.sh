#!/bin/sh
# The lab's inventory, through the plugin msp.patching.automate; nobody while the lab is not up (create, destroy).
if [ -f "$LAB_STATE/lab.json" ]; then
  exec ansible-inventory -i "$LAB_STATE/inventory" --list
fi
echo '{}'
