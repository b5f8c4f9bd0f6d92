-- Export a stretch of a session offline.
-- arg: session's folder, folder for the file, its name, first sample, samples.

AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
local session = assert(load_session(arg[1], "ses"), "the session could not be opened")
local export = session:simple_export()
export:set_folder(arg[2] .. "/")
export:set_name(arg[3])
assert(export:set_preset("6f0f5a6e-2a5e-4c8e-9a55-6a4f1d3b7c20"), "the export preset is not there")
export:set_range(tonumber(arg[4]), tonumber(arg[4]) + tonumber(arg[5]))
export:run_export()
print("exported")
