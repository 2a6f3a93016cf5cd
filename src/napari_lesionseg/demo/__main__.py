"""``python -m napari_lesionseg.demo``."""

import sys

from napari_lesionseg.demo.command import main

if __name__ == "__main__":
    sys.exit(main())
