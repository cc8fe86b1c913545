// What every runtime does with a gateway. It gives back what it has got, as JSON can hold it.

/** A grey picture of 64 times 64 pixels. */
const PNG = Uint8Array.from(
  atob(
    'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAMAAACdt4HsAAAAA1BMVEWAgICQdD0xAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAG0lEQVRY' +
      'w+3BgQAAAADDoPlT3+AEVQEAAAB8AxBAAAEZszF2AAAAAElFTkSuQmCC',
  ),
  (letter) => letter.charCodeAt(0),
);

/** `options`: of `createComfy`; `client`: the package. */
export async function program({ createComfy, BadUserInput }, options) {
  const comfy = createComfy(options);
  try {
    // A file in the input is sent by itself.
    let events = 0;
    const drawn = await comfy.imageToImage({ prompt: 'a boat', image: PNG }, { onProgress: () => events++ });
    const stream = new Blob([PNG]).stream();
    const streamed = await comfy.imageToImage({ prompt: 'a boat', image: stream });
    // A result is an input as it is.
    const larger = await comfy.upscale({ image: drawn.images[0] });
    const file = await fetch(larger.images[0].url);
    const bytes = await file.arrayBuffer();

    const fault = await comfy.textToImage({ prompt: 'a boat', width: 7 }).catch((error) => error);

    const abort = new AbortController();
    let aborted;
    const onJob = (job) => {
      aborted = job.id;
      abort.abort();
    };
    const reason = await comfy
      .textToImage({ prompt: 'a boat' }, { signal: abort.signal, onJob })
      .catch((error) => error);
    const types = [];
    for await (const { type } of comfy.watch(aborted)) types.push(type);

    return {
      sizes: [drawn, streamed].map(({ images: [{ width, height }] }) => [width, height]),
      hasProgress: events > 2,
      isWhole: bytes.byteLength === larger.images[0].size,
      fields: fault instanceof BadUserInput && Object.keys(fault.fields),
      reason: reason.name,
      end: types.at(-1),
      state: comfy.state(),
    };
  } finally {
    await comfy.close();
  }
}
