/** What stands over GraphiQL while its socket is lost. */
export const connectionNotice =
  '<p id="connection-lost" role="alert" hidden>Connection to the gateway lost, trying again.</p>';

/**
 * The socket of GraphiQL, whose own client gives up after five failed attempts and does not notice a path that has gone
 * silent. This one asks for a sign of life every three seconds and is given up after nine without one, upon which
 * GraphiQL connects again. An attempt to open it goes on until there is a gateway, never more than three seconds after
 * the one before, and asks by `fetch` first, since browsers delay sockets after failed ones: so GraphiQL meets no
 * failed attempt, and its subscriptions go on after an outage of any length.
 */
export const socketScript = `
(() => {
  const Socket = window.WebSocket;
  const tellLost = (lost) => { document.querySelector('#connection-lost').hidden = !lost; };
  const isThere = () =>
    fetch('/graphql?query={__typename}', { cache: 'no-store', signal: AbortSignal.timeout(4_000) }).then(
      ({ status }) => ![502, 503, 504].includes(status),
      () => false,
    );

  window.WebSocket = class {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;
    readyState = Socket.CONNECTING;
    onopen = null;
    onmessage = null;
    onerror = null;
    onclose = null;
    #args;
    #socket;
    #beat;
    #again;

    constructor(...args) {
      this.#args = args;
      this.#connect(0);
    }

    get protocol() {
      return this.#socket.protocol;
    }

    send(message) {
      this.#socket.send(message);
    }

    close(code, reason) {
      tellLost(false);
      const wasOpen = this.readyState === Socket.OPEN;
      this.readyState = Socket.CLOSING;
      if (wasOpen) this.#socket.close(code, reason);
      else this.#end(new CloseEvent('close', { code, reason, wasClean: true }));
    }

    #connect(attempt) {
      const socket = new Socket(...this.#args);
      this.#socket = socket;
      let silent = 0;
      // Not its close event: Chromium holds that back for a minute when the other side does not answer.
      const giveUp = () => this.#lost(new CloseEvent('close', { code: 4408, reason: 'Request Timeout' }), attempt);
      this.#beat = setInterval(() => {
        silent += 1;
        if (silent > 2) giveUp();
        else if (socket.readyState === Socket.OPEN) socket.send('{"type":"ping"}');
      }, 3_000);
      socket.onopen = (event) => {
        tellLost(false);
        this.readyState = Socket.OPEN;
        this.onopen?.(event);
      };
      socket.onmessage = (event) => {
        silent = 0;
        this.onmessage?.(event);
      };
      socket.onclose = (event) => this.#lost(event, attempt);
    }

    #lost(event, attempt) {
      const isAsked = this.readyState === Socket.CLOSING;
      // 4400 and above are the gateway's reasons not to come again.
      if (!isAsked && (event.code < 4400 || event.code === 4408)) tellLost(true);
      if (this.readyState !== Socket.CONNECTING) return this.#end(event);
      this.#leave();
      const wait = Math.min(3_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);
      this.#again = setTimeout(() => this.#retry(attempt + 1), wait);
    }

    async #retry(attempt) {
      const there = await isThere();
      if (this.readyState !== Socket.CONNECTING) return;
      if (there) this.#connect(attempt);
      else this.#lost(new CloseEvent('close', { code: 1006 }), attempt);
    }

    #end(event) {
      this.#leave();
      this.readyState = Socket.CLOSED;
      this.onclose?.(event);
    }

    #leave() {
      clearInterval(this.#beat);
      clearTimeout(this.#again);
      Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null });
      this.#socket.close();
    }
  };
})();
`;
