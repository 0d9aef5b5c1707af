"""The commands, a file each: arguments and dispatch. Installed, this folder is the package `convspec`."""
