import { Marked, type Token, type Tokens } from 'marked';

/** Where a link of a page leads to: null for what is not served, whose text stays. */
export type Resolve = (link: string) => string | null;

/** As GitHub names headings, so that links to them work here and there. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

/** The text that a reader sees of a token, without its marks. */
function plainText(tokens: readonly Token[]): string {
  return tokens.map((token) => ('tokens' in token && token.tokens ? plainText(token.tokens) : textOf(token))).join('');
}

const textOf = (token: Token) => ('text' in token ? String(token.text) : '');

const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** HTML of the product's own Markdown, with the title of the page. */
export function renderPage(markdown: string, resolve: Resolve): { title: string; body: string } {
  let title = '';
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading) {
        const text = plainText(tokens);
        if (depth === 1) title ||= text;
        return `<h${depth} id="${escaped(anchorOf(text))}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link) {
        const text = this.parser.parseInline(tokens);
        const to = resolve(href);
        return to === null ? text : `<a href="${escaped(to)}">${text}</a>`;
      },
      image({ href, text }: Tokens.Image) {
        const from = resolve(href);
        return from === null ? escaped(text) : `<img src="${escaped(from)}" alt="${escaped(text)}" />`;
      },
    },
  });
  const body = marked.parse(markdown, { async: false });
  return { title, body };
}
