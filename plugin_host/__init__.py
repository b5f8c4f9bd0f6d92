"""The plugin that runs inside the DAW, and what builds, installs and tries it. See README.md."""
