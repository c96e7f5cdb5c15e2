"""What a person reads: MultiQC sections, figures, genome tracks, methods text. Files in, files out.

One room for each thing that is reported on, so that a file is found by asking "a picture of what?". From top to bottom:
`run` tells what was done; `training`, `resm`, `polya`, `m6a_sites`, `libraries` and `peaks` show one thing each and do
not use each other; `browser` writes what genome browsers open; `folders` read what other commands wrote, where several
rooms need it; `drawing` is what all of them draw with.
"""
