import type { Attack } from './attack.ts';
import { ask, send } from './wire.ts';

/** The least width of a variant, and how many widths there are to choose from. */
const WIDTHS = { least: 16, count: 4_000 };

/** Asks for ever other AVIF pictures of large ones, and downloads them. A turn is a picture. */
export const largePictures: Attack = {
  usual: { clients: 8, perSecond: 2 },
  async run(client) {
    const query = `query ($id: ID!, $width: Int) { job(id: $id) { artifacts {
      ... on ImageArtifact { url(format: AVIF, width: $width) } } } }`;
    for (let i = 0; ; i++) {
      await client.turn();
      const id = client.pictureJobIds[i % client.pictureJobIds.length];
      const width = WIDTHS.least + WIDTHS.count - Math.floor(Math.random() * WIDTHS.count);
      const { text } = await ask(client, query, { id, width });
      const [, url] = /"url":"([^"]+)"/.exec(text) ?? [];
      if (url === undefined) continue;
      const { pathname, search } = new URL(url);
      await send(client, { method: 'GET', path: pathname + search });
    }
  },
};
