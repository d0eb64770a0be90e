# Room in the section INIT into which finish.py moves the import directory, its lookup tables and
# its names: real drivers lose them with INIT.
.section INIT,"xr"
.globl import_room
import_room:
.zero 0x800
