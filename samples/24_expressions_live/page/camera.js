// The camera: a stream that the visitor starts and stops, and what the browser says when there is none.

const wishes = { audio: false, video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } } };

const reasons = {
  NotAllowedError: "The browser may not use the camera. Allow it in the browser's settings for this page (or the " +
                   "system's), and start again.",
  NotFoundError: "There is no camera. Connect one, and start again.",
  NotReadableError: "The camera gives no pictures. Another program may be using it; close that, and start again.",
};

/** Why there is no camera: an error whose message is meant for the visitor. */
export class NoCamera extends Error {}

export class Camera {
  #video;
  #events;
  #stream = null;
  #attempt = 0;  // number of the last start or stop; a start that is not the last gives its stream back

  /**
   * `events.ended(message)` is called when the camera goes by itself: removed, or its permission withdrawn;
   * `events.muted(true or false)` when it stops giving pictures for a while, as during a call, and when it goes on.
   */
  constructor(video, events) {
    this.#video = video;
    this.#events = events;
  }

  /** Asks for the camera and shows it; returns false if `stop` has been called meanwhile. Throws NoCamera. */
  async start() {
    this.stop();
    const attempt = this.#attempt;
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      throw new NoCamera("Browsers give the camera only to pages from https:// or from this machine " +
                         "(http://localhost): open the page there.");
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(wishes);
    } catch (error) {
      if (attempt !== this.#attempt) return false;
      throw new NoCamera(reasons[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
    if (attempt !== this.#attempt) {
      stream.getTracks().forEach((track) => track.stop());
      return false;
    }
    this.#stream = stream;
    this.#follow(stream);
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => {});  // stopped meanwhile; a page in the background plays later
    return this.#stream === stream;
  }

  #follow(stream) {
    const [track] = stream.getVideoTracks();
    const listen = (name, act) => track.addEventListener(name, () => { if (this.#stream === stream) act(); });
    listen("mute", () => this.#events.muted(true));
    listen("unmute", () => this.#events.muted(false));
    listen("ended", () => {
      this.stop();
      this.#events.ended("The camera has gone. Connect it or allow it again, and start again.");
    });
  }

  /** Lets the camera rest without giving it back, or wakes it. */
  rest(resting) {
    this.#stream?.getVideoTracks().forEach((track) => { track.enabled = !resting; });
    if (resting) this.#video.pause();
    else this.#video.play().catch(() => {});
  }

  /** Gives the camera back. */
  stop() {
    ++this.#attempt;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
