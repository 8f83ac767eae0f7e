/** The site of the documentation: the pages of this folder, searchable without a server. */
import { defineConfig } from 'vitepress';

const REPOSITORY = 'https://github.com/plinth-kernel/plinth/blob/main';

const page = (text: string, link: string) => ({ text, link });
const guide = (...names: readonly string[]) =>
  names.map((name) => page(name[0]?.toUpperCase() + name.slice(1), `/guide/${name}`));

export default defineConfig({
  title: 'Plinth',
  description: 'A micro-kernel for plugins that run isolated and unchanged in browsers and in Node',
  lang: 'en',
  // Pages are opened by their file names, so that any static server can serve them.
  cleanUrls: false,
  // Written by typedoc after the pages; scripts/docs-site.ts checks the links into it.
  ignoreDeadLinks: [/^\/api\//],
  markdown: {
    // As GitHub names the places of headings, where the same pages are read.
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(/\s/g, '-'),
    },
    config(markdown) {
      markdown.core.ruler.push('pages-of-the-repository', ({ tokens }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          // `<id>` in a sentence is a word. Pages have no elements but line breaks.
          if (token.type === 'html_inline' && !/^<(?:br>|!--)/.test(token.content))
            token.type = 'text';
          // Links to files of the repository that are no pages lead to the repository.
          const outside = /^\.\.\/([A-Z]+\.md.*)$/.exec(token.attrGet('href') ?? '');
          if (outside) token.attrSet('href', `${REPOSITORY}/${outside[1]}`);
        }
      });
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Guide', '/guide/authors'),
      page('Errors', '/errors'),
      page('plugin.json', '/manifest'),
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar: [
      {
        text: 'Getting started',
        items: [
          page('Write a plugin', '/guide/authors'),
          page('Plugins in Node', '/guide/node'),
          page('Plugins in a page', '/guide/pages'),
          page('Operate a kernel', '/guide/operators'),
        ],
      },
      {
        text: 'Talk',
        items: guide(
          ...['commands', 'events', 'hooks', 'middleware', 'messaging', 'streams'],
          ...['services', 'needs'],
        ),
      },
      {
        text: 'Have and may',
        items: guide('storage', 'config', 'permissions', 'isolation', 'versions', 'tenants'),
      },
      {
        text: 'Build',
        items: [
          ...guide('testing', 'debugging'),
          page('The test kit', '/testing'),
          page('What authors see', '/authoring'),
          page('The command line', '/cli'),
          page('Shipping', '/shipping'),
          page('Upgrade notes', '/upgrading'),
        ],
      },
      {
        text: 'Operate',
        items: [
          page('Operations', '/operations'),
          page('Telemetry', '/telemetry'),
          page('HTTP', '/http'),
          page('The admin API', '/http-admin'),
          page('User interfaces', '/ui'),
          page('Jobs', '/jobs'),
          page('Tenants in practice', '/tenants'),
          page('SQL', '/sql'),
          page('Audit', '/audit'),
          page('Canary', '/canary'),
          page('Bisect', '/bisect'),
          page('Recording', '/recording'),
        ],
      },
      {
        text: 'In depth',
        items: [
          page('Lifecycle', '/lifecycle'),
          page('Contracts', '/contracts'),
          page('Wire', '/wire'),
          page('Configuration and secrets', '/configuration'),
          page('Where data is kept', '/storage'),
          page('What is guaranteed', '/isolation'),
          page('Untrusted code', '/security'),
          page('Policies for commands', '/resilience'),
          page('Extensions', '/extensions'),
          page('Runtimes', '/runtimes'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('plugin.json', '/manifest'),
          page('Error codes', '/errors'),
          page('Glossary', '/glossary'),
          page('Comparison', '/comparison'),
          page('Architecture', '/architecture'),
          page('Decisions', '/decisions'),
          page('Benchmarks', '/benchmarks'),
        ],
      },
    ],
  },
});
