/**
 * The look of views. Everything is in `@layer plinth`, so any rule of the application outside of a
 * layer wins. Colours, spaces and the font are tokens, which the application sets.
 */

/**
 * The style sheet of views. `mountView` adds it to the page by itself; a page that was made on a
 * server has it in a `<style>`.
 */
export const stylesheet = `@layer plinth {
  [data-plinth="view"] {
    color-scheme: light dark;
    --_text: var(--plinth-color-text, light-dark(#1b1d22, #eceef2));
    --_muted: var(--plinth-color-muted, light-dark(#565b66, #a9afbb));
    --_surface: var(--plinth-color-surface, light-dark(#ffffff, #1b1d22));
    --_raised: var(--plinth-color-raised, light-dark(#f3f4f6, #292c33));
    --_border: var(--plinth-color-border, light-dark(#7d8390, #858c9a));
    --_accent: var(--plinth-color-accent, light-dark(#1d5bd6, #8ab4ff));
    --_on-accent: var(--plinth-color-on-accent, light-dark(#ffffff, #10131a));
    --_good: var(--plinth-color-good, light-dark(#14692f, #7ddb98));
    --_warn: var(--plinth-color-warn, light-dark(#7a4a00, #f0c26a));
    --_bad: var(--plinth-color-bad, light-dark(#b3221b, #ff9d94));
    --_small: var(--plinth-space-small, 0.25rem);
    --_medium: var(--plinth-space-medium, 0.5rem);
    --_large: var(--plinth-space-large, 1rem);
    --_radius: var(--plinth-radius, 0.375rem);
    contain: content;
    isolation: isolate;
    unicode-bidi: isolate;
    overflow: auto;
    box-sizing: border-box;
    max-inline-size: 100%;
    color: var(--_text);
    background: var(--_surface);
    font: var(--plinth-font, 400 0.875rem/1.45 system-ui, sans-serif);
    text-align: start;
  }
  [data-plinth="view"] *, [data-plinth="view"] *::before { box-sizing: border-box; }
  [data-plinth="view-header"] { color: var(--_muted); font-size: 0.8em; padding-block-end: var(--_small); }
  [data-plinth="view-body"] { overflow-wrap: anywhere; }
  [data-plinth="view-body"] > * { margin-block-end: var(--_medium); }
  [data-plinth="view-body"] > :last-child { margin-block-end: 0; }
  [data-plinth="view"][aria-busy="true"] { cursor: progress; }
  [data-plinth="unknown"] { display: contents; }
  [data-plinth="stack"] { display: flex; flex-direction: column; gap: var(--_medium); min-inline-size: 0; }
  [data-plinth="stack"][data-direction="row"] { flex-direction: row; align-items: center; }
  [data-plinth="stack"][data-wrap] { flex-wrap: wrap; }
  [data-plinth="stack"][data-align="start"] { align-items: flex-start; }
  [data-plinth="stack"][data-align="center"] { align-items: center; }
  [data-plinth="stack"][data-align="end"] { align-items: flex-end; }
  [data-plinth="stack"][data-align="stretch"] { align-items: stretch; }
  [data-plinth="grid"] { display: grid; gap: var(--_medium); grid-template-columns: repeat(2, minmax(0, 1fr)); }
${Array.from({ length: 12 }, (_, at) => `  [data-plinth="grid"][data-columns="${at + 1}"] { grid-template-columns: repeat(${at + 1}, minmax(0, 1fr)); }`).join('\n')}
  [data-plinth][data-gap="none"] { gap: 0; }
  [data-plinth][data-gap="small"] { gap: var(--_small); }
  [data-plinth][data-gap="medium"] { gap: var(--_medium); }
  [data-plinth][data-gap="large"] { gap: var(--_large); }
  [data-plinth="heading"] { margin: 0; font-weight: 600; line-height: 1.25; font-size: 1.25em; }
  h4[data-plinth="heading"] { font-size: 1.1em; }
  h5[data-plinth="heading"] { font-size: 1em; }
  [data-plinth="text"][data-size="small"] { font-size: 0.85em; }
  [data-plinth="text"][data-size="large"] { font-size: 1.2em; }
  [data-plinth="text"][data-strong] { font-weight: 600; }
  [data-plinth][data-tone="accent"] { color: var(--_accent); }
  [data-plinth][data-tone="good"] { color: var(--_good); }
  [data-plinth][data-tone="warn"] { color: var(--_warn); }
  [data-plinth][data-tone="bad"] { color: var(--_bad); }
  [data-plinth="code"] { font-family: var(--plinth-font-code, ui-monospace, monospace); background: var(--_raised); border-radius: var(--_radius); padding: 0 0.3em; }
  pre[data-plinth="code"] { margin: 0; padding: var(--_medium); overflow: auto; overflow-wrap: normal; }
  [data-plinth="link"] { color: var(--_accent); }
  [data-plinth="image"] { max-inline-size: 100%; block-size: auto; border-radius: var(--_radius); }
  [data-plinth="badge"] { border: 1px solid currentColor; border-radius: 1em; padding: 0 0.6em; font-size: 0.85em; }
  [data-plinth="divider"] { inline-size: 100%; border: 0; border-block-start: 1px solid var(--_border); margin: 0; }
  [data-plinth="button"], [data-plinth="tab"], [data-plinth="close"] { font: inherit; color: inherit; background: var(--_raised); border: 1px solid var(--_border); border-radius: var(--_radius); padding: 0.3em 0.8em; cursor: pointer; min-block-size: 1.5rem; min-inline-size: 1.5rem; }
  [data-plinth="button"], [data-plinth="badge"] { flex-shrink: 0; max-inline-size: 100%; }
  [data-plinth="button"][data-tone="accent"] { color: var(--_on-accent); background: var(--_accent); border-color: var(--_accent); }
  [data-plinth="button"]:disabled { opacity: 0.6; cursor: default; }
  [data-plinth="view"] :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
  [data-plinth="field"], [data-plinth="textarea"], [data-plinth="select"], [data-plinth="slider"] { display: flex; flex-direction: column; gap: var(--_small); }
  [data-plinth="field"] > [data-plinth="control"], [data-plinth="textarea"] > [data-plinth="control"], [data-plinth="select"] > [data-plinth="control"] { font: inherit; color: inherit; background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); padding: 0.3em 0.5em; inline-size: 100%; }
  [data-plinth="control"] { accent-color: var(--_accent); }
  [data-plinth="checkbox"], [data-plinth="option"] { display: flex; gap: var(--_small); align-items: center; min-block-size: 1.5rem; }
  [data-plinth="radio"] { border: 0; margin: 0; padding: 0; min-inline-size: 0; }
  [data-plinth="radio"] > legend { padding: 0; }
  [data-plinth="options"] { display: flex; flex-wrap: wrap; gap: var(--_medium); }
  [data-plinth="list"] { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; }
  [data-plinth="item"], [data-plinth="item-press"] { display: flex; gap: var(--_medium); align-items: center; min-inline-size: 0; }
  [data-plinth="item-press"] { flex: 1; cursor: pointer; min-block-size: 1.75rem; padding: var(--_small); border-radius: var(--_radius); }
  [data-plinth="item-press"]:hover { background: var(--_raised); }
  [data-plinth][data-selected] { background: var(--_raised); }
  [data-plinth="table"] { border-collapse: collapse; inline-size: 100%; }
  [data-plinth="cell"] { border-block-end: 1px solid var(--_border); padding: var(--_small) var(--_medium); text-align: start; }
  [data-plinth="cell"][data-align="center"] { text-align: center; }
  [data-plinth="cell"][data-align="end"] { text-align: end; }
  [data-plinth="window"] { display: grid; grid-template-columns: minmax(0, 1fr); align-content: start; overflow: auto; overflow-anchor: none; max-block-size: var(--plinth-window, 24rem); }
  [data-plinth="window"] > [data-plinth="table"] { table-layout: fixed; }
  [data-plinth="window"] [data-plinth="cell"], [data-plinth="window"] [data-plinth="item"] { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
  [data-plinth="window"] th[data-plinth="cell"] { position: sticky; inset-block-start: 0; background: var(--_surface); }
  [data-plinth="chart"] { margin: 0; display: grid; gap: var(--_small); position: relative; }
  [data-plinth="plot"] { inline-size: 100%; max-inline-size: 40rem; direction: ltr; }
  [data-plinth="plot"] text { font-size: 9px; fill: var(--_muted); }
  [data-plinth="plot-tick"] { text-anchor: end; }
  [data-plinth="plot-name"] { text-anchor: middle; }
  [data-plinth="plot-grid"] { stroke: var(--_border); stroke-width: 0.5; opacity: 0.6; }
  [data-plinth="plot-line"] { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
  [data-plinth="plot-bars"] { fill: currentColor; }
  [data-plinth="legend"] { display: flex; flex-wrap: wrap; gap: var(--_small) var(--_large); font-size: 0.85em; }
  [data-plinth="legend"] > ::before { content: "■ "; }
${['accent', 'good', 'warn', 'bad', 'muted', 'text', 'accent', 'good'].map((tone, at) => `  [data-series="${at}"] { color: var(--plinth-color-series-${at + 1}, var(--_${tone})); }`).join('\n')}
  [data-plinth="plot-line"][data-series="1"], [data-plinth="plot-line"][data-series="5"] { stroke-dasharray: 6 3; }
  [data-plinth="plot-line"][data-series="2"], [data-plinth="plot-line"][data-series="6"] { stroke-dasharray: 2 3; }
  [data-plinth="plot-line"][data-series="3"], [data-plinth="plot-line"][data-series="7"] { stroke-dasharray: 8 3 2 3; }
  [data-plinth="chart-table"] { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  [data-plinth="markdown"] > :first-child { margin-block-start: 0; }
  [data-plinth="markdown"] > :last-child { margin-block-end: 0; }
  [data-plinth="markdown"] blockquote { margin-inline: 0; padding-inline-start: var(--_medium); border-inline-start: 3px solid var(--_border); }
  [data-plinth="frame"] { display: block; border: 0; inline-size: 100%; block-size: var(--plinth-frame, 20rem); }
  [data-plinth="frame-enter"] { font: inherit; color: inherit; background: var(--_raised); border: 1px solid var(--_border); border-radius: var(--_radius); }
  [data-plinth="frame-enter"]:not(:focus-visible) { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  [data-plinth="tabs"] { display: flex; flex-wrap: wrap; gap: var(--_small); }
  [data-plinth="tab"][aria-selected="true"] { border-color: var(--_accent); box-shadow: inset 0 -2px var(--_accent); }
  [data-plinth="dialog"] { border: 1px solid var(--_border); border-radius: var(--_radius); padding: var(--_medium); background: var(--_raised); }
  [data-plinth="dialog-header"] { display: flex; justify-content: space-between; gap: var(--_medium); font-weight: 600; }
  [data-plinth="progress"] { inline-size: 100%; accent-color: var(--_accent); }
  [data-plinth="spinner"] { display: inline-block; inline-size: 1.2em; block-size: 1.2em; border: 2px solid var(--_border); border-block-start-color: var(--_accent); border-radius: 50%; animation: plinth-turn 1s linear infinite; }
  [data-plinth="icon"] { display: inline-block; inline-size: 1.2em; text-align: center; }
${icons()}
  @keyframes plinth-turn { to { rotate: 1turn; } }
  @media (prefers-reduced-motion: reduce) { [data-plinth="spinner"] { animation-duration: 6s; } }
  @media (prefers-contrast: more) { [data-plinth="view"] { --_border: currentColor; --_muted: var(--_text); } }
  @media (forced-colors: active) { [data-plinth][data-selected], [data-plinth="tab"][aria-selected="true"] { outline: 2px solid Highlight; } }
}`;

/** Characters that every system has. An application may set pictures of its own. */
function icons(): string {
  const glyphs = {
    ...{
      add: '+',
      back: '←',
      check: '✓',
      close: '×',
      delete: '⌫',
      down: '↓',
      edit: '✎',
      error: '⨯',
    },
    ...{ file: '▤', folder: '▣', forward: '→', heart: '♥', info: 'ⓘ', menu: '≡', more: '⋯' },
    ...{ pause: '‖', play: '▶', refresh: '↻', remove: '−', search: '⌕', settings: '⚙', star: '★' },
    ...{ up: '↑', user: '☻', warning: '⚠' },
  };
  return Object.entries(glyphs)
    .map(([name, glyph]) => `  [data-icon="${name}"]::before { content: "${glyph}"; }`)
    .join('\n');
}
