-- Roll a session in real time, recording the tape track.
-- arg: session's folder, backend, device (with JACK: Ardour's name there), seconds, seconds to wait first, a file that is made when it rolls.
-- Prints: `xruns N`, `rolled SAMPLES`, `load PERCENT`.

AudioEngine:set_backend(arg[2], arg[3], "")
if arg[2] == "JACK" then assert(AudioEngine:start(false) == 0, "JACK did not let Ardour in") end
local session = assert(load_session(arg[1], "ses"), "the session could not be opened")
local tape = session:route_by_name("Tape"):to_track()
sleep(tonumber(arg[5]))
tape:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
session:maybe_enable_record(false)
session:goto_start()
sleep(1)
session:reset_xrun_count()
for _ = 1, 10 do  -- an order that comes while it is still locating is forgotten
  session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
  sleep(0.5)
  if session:transport_rolling() then break end
end
assert(session:transport_rolling(), "the transport does not roll")
io.open(arg[6], "w"):close()
local worst = 0
while session:transport_sample() < tonumber(arg[4]) * 48000 do
  sleep(0.2)
  worst = math.max(worst, AudioEngine:get_dsp_load())
end
print("xruns " .. session:get_xrun_count())
print("rolled " .. session:transport_sample())
print("load " .. worst)
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
sleep(2)
session:save_state("", false, false, false, false, false)
