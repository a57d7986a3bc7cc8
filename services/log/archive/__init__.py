"""Events in files, for when the log has let go of them: kept in an open form, and taken in again.

`form` is the form (pure), `files` are files and sets of them on disk, `keeping` writes what a partition of the log
holds, `taking` puts it back.
"""
