"""DICOM series in: found, told apart, proved to be one regular grid, decoded."""
