// The telephone in the page: window.phone(...) registers over a WebSocket, answers calls, and makes
// one when asked to. What happens is told with console.info.
import JsSIP from "jssip";

const say = (text) => console.info(text);
const audio = { audio: true, video: false };

function listen(agent, name, word) {
  return new Promise((done, failed) => {
    agent.on(name, done);
    agent.on("registrationFailed", (e) => failed(new Error(`registration: ${e.cause}`)));
  }).then(() => say(word));
}

function talk(session, milliseconds) {
  session.on("ended", () => say("ended"));
  session.on("failed", (e) => say(`failed: ${e.cause} ${e.message ? e.message.data ?? "" : ""}`));
  if (milliseconds) session.on("confirmed", () => setTimeout(() => session.terminate(), milliseconds));
}

function call(agent, target, milliseconds) {
  const options = { mediaConstraints: audio, pcConfig: { iceServers: [] } };
  agent.sendMessage(target, "on my way", {
    eventHandlers: { succeeded: () => say("message sent"), failed: (e) => say(`message: ${e.cause}`) },
  });
  talk(agent.call(target, options), milliseconds);
}

window.phone = async (server, user, host, callee, milliseconds) => {
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(server)],
    uri: `sip:${user}@${host}`,
    register: true,
    session_timers: false,
  });
  agent.on("newMessage", () => {}); // without a listener JsSIP refuses messages
  agent.on("newRTCSession", ({ originator, session }) => {
    if (originator !== "remote") return;
    talk(session, 0);
    session.answer({ mediaConstraints: audio, pcConfig: { iceServers: [] } });
  });
  const registered = listen(agent, "registered", "registered");
  agent.start();
  await registered;
  if (callee) call(agent, `sip:${callee}@${host}`, milliseconds);
};
