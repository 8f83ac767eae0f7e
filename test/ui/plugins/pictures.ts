/** A plugin that shows images by URL. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';
import { kit, preact } from '@plinth/ui/preact';
import { h as p } from 'preact';

interface Props {
  readonly urls: readonly string[];
}

export default definePlugin({
  provides: [View],
  activate(ctx) {
    views(ctx, {
      panel: ({ props }: { readonly props: Props }) => [
        props.urls.map((url) => h('image', { url, label: 'a picture' })),
        h('button', { onPress() {} }, 'again'),
      ],
      preact: preact(({ urls }: Props) =>
        p(kit.Stack, null, [
          ...urls.map((url, key) => p(kit.Image, { key, url, label: 'a picture' })),
          p(kit.Button, { onPress() {} }, 'again'),
        ]),
      ),
    });
  },
});
