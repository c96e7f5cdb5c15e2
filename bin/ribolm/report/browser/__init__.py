"""Tracks and sessions for genome browsers: of peak calling and of scans."""
