/** Recording from the microphone or the camera; what was recorded is uploaded like any other file. */

import { timecode } from "./timecode.js";

const TYPES = {
  audio: ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"],
  video: ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/mp4", "video/webm"],
};
const ENDINGS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg", "video/webm": "webm", "video/mp4": "mp4" };
const dialog = document.getElementById("record-dialog");
const part = (name) => dialog.querySelector(`[data-record-${name}]`);
let session = null;

/** One visit to the dialog: the open devices, the recorder, and the file once there is one. */
class Session {
  constructor(kind) {
    this.kind = kind;
    this.file = null;
    this.timer = 0;
  }

  async open() {
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
      say("This browser cannot record. Record with another program and upload the file.");
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: this.kind === "video" });
    } catch (refusal) {
      say(refusal.name === "NotFoundError"
        ? `There is no ${this.kind === "video" ? "camera" : "microphone"} on this machine.`
        : "The browser does not let the page record. Allow it beside the address, then try again.");
      return;
    }
    if (session !== this) {
      this.close();
      return;
    }
    const view = part("view");
    if (this.kind === "video") {
      view.srcObject = this.stream;
      view.hidden = false;
      view.play();
    }
    say("Ready.");
    part("go").disabled = false;
  }

  start() {
    const type = TYPES[this.kind].find((one) => MediaRecorder.isTypeSupported(one)) ?? "";
    this.recorder = new MediaRecorder(this.stream, type ? { mimeType: type } : {});
    const pieces = [];
    this.recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    this.recorder.addEventListener("stop", () => this.finish(pieces));
    this.recorder.start(1000);
    const began = performance.now();
    this.timer = setInterval(() => { part("clock").textContent = timecode((performance.now() - began) / 1000); }, 200);
    part("go").textContent = "Stop";
    say("Recording.");
  }

  finish(pieces) {
    clearInterval(this.timer);
    const plain = this.recorder.mimeType.split(";")[0];
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    this.file = new File(pieces, `recording ${stamp}.${ENDINGS[plain] ?? "webm"}`, { type: plain });
    const listen = this.kind === "video" ? part("view") : part("listen");
    listen.srcObject = null;
    listen.src = URL.createObjectURL(this.file);
    listen.controls = true;
    listen.muted = false;
    listen.hidden = false;
    part("go").textContent = "Keep it";
    part("again").hidden = false;
    say("Listen to it, keep it or record again.");
  }

  close() {
    clearInterval(this.timer);
    if (this.recorder?.state === "recording") this.recorder.stop();
    this.stream?.getTracks().forEach((track) => track.stop());
  }
}

function say(text) {
  part("said").textContent = text;
}

function begin(kind) {
  session?.close();
  session = new Session(kind);
  part("title").textContent = kind === "video" ? "Record with the camera" : "Record a voice";
  for (const name of ["view", "listen"]) {
    const media = part(name);
    media.hidden = true;
    media.controls = false;
    media.muted = name === "view";
    media.srcObject = null;
    media.removeAttribute("src");
  }
  part("again").hidden = true;
  part("clock").textContent = "";
  part("go").textContent = "Start";
  part("go").disabled = true;
  say("The browser asks whether the page may use it.");
  if (!dialog.open) dialog.showModal();
  session.open();
}

function go() {
  if (session.file) {
    document.dispatchEvent(new CustomEvent("studio:file", { detail: session.file }));
    dialog.close();
  } else if (session.recorder?.state === "recording") session.recorder.stop();
  else session.start();
}

document.addEventListener("click", (event) => {
  const record = event.target.closest("[data-record]");
  if (record) {
    document.getElementById("bring").hidePopover();
    begin(record.dataset.record);
  }
  if (event.target.closest("[data-record-go]")) go();
  if (event.target.closest("[data-record-again]")) begin(session.kind);
  if (event.target.closest("[data-open-link]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    document.getElementById("bring").hidePopover();
    document.getElementById("link-dialog").showModal();
  }
  event.target.closest("[data-close-dialog]")?.closest("dialog").close();
});
document.addEventListener("studio:link-taken", () => document.getElementById("link-dialog").close());
dialog.addEventListener("close", () => {
  session?.close();
  session = null;
});
