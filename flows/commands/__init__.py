"""The subcommands of `xtransfer`, one file each."""
