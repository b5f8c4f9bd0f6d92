-- Make a session: a track with the plugin, fed by a recorded region if asked, and a tape that records it.
-- arg: folder (must not exist), plugin's name, "VST3" or "LV2", seconds of the region (0: none).
-- Prints: one line `version ...`, `latency ...`.

AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
local session = assert(create_session(arg[1], "ses", 48000), "no session could be made")

local function track(name)
  local made = session:new_audio_track(2, 2, nil, 1, name, -1, ARDOUR.TrackMode.Normal, true)
  return made:front():to_track()
end

local function arm(one, is_on)
  one:rec_enable_control():set_value(is_on and 1 or 0, PBD.GroupControlDisposition.NoGroup)
end

local function find(name, kind)
  for one in ARDOUR.LuaAPI.list_plugins():iter() do
    if one.name == name and one.type == kind then return one end
  end
  error("Ardour does not list " .. name)
end

local music = track("Music")
local seconds = tonumber(arg[4])
if seconds > 0 then
  -- Record so much of nothing: a region with a file behind it, into which sound is put afterwards.
  arm(music, true)
  session:maybe_enable_record(false)
  session:goto_start()
  session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
  while session:transport_sample() < seconds * 48000 do sleep(0.1) end
  session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
  -- An order to disarm that comes before the recording has ended is forgotten without a word.
  for _ = 1, 50 do
    sleep(0.2)
    arm(music, false)
    sleep(0.2)
    if not session:transport_rolling() and music:rec_enable_control():get_value() == 0 then break end
  end
  assert(music:rec_enable_control():get_value() == 0, "the track stayed armed")
end

local kind = ARDOUR.PluginType[arg[3]]
local wanted = find(arg[2], kind)
local plugin = ARDOUR.LuaAPI.new_plugin(session, wanted.unique_id, kind, "")
assert(not plugin:isnil(), "the plugin could not be loaded")
music:add_processor_by_index(plugin, 0, nil, true)

-- Ardour connects new tracks on a thread of its own; what is undone before that, is done again.
local tape = track("Tape")
for _ = 1, 100 do
  if music:output():nth(1):connected() and tape:output():nth(1):connected() then break end
  sleep(0.1)
end
sleep(0.5)
assert(music:output():nth(1):connected(), "the track is not connected to the master")

for channel = 0, 1 do
  music:input():nth(channel):disconnect_all()  -- the dummy driver's inputs are not always silent
  tape:input():nth(channel):disconnect_all()
  tape:input():nth(channel):connect(music:output():nth(channel):name())
  tape:output():nth(channel):disconnect_all()  -- an export has the music once
end
sleep(0.5)
assert(not tape:output():nth(0):connected(), "the tape is connected to the master again")

print("latency " .. plugin:to_insert():signal_latency())
print("version " .. tostring(wanted.unique_id))
session:save_state("", false, false, false, false, false)
