/** A view in Preact: state, effects, lists and text, as people write them. */
import { definePlugin } from '@plinth/sdk';
import { View, views } from '@plinth/ui';
import { kit, preact } from '@plinth/ui/preact';
import { h } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const { Button, Field, Heading, Item, List, Stack, Text } = kit;

function Panel({ greet = 'Hello' }: { readonly greet?: string }) {
  const [count, setCount] = useState(0);
  const [note, setNote] = useState('');
  const [rows, setRows] = useState([1, 2, 3]);
  const [seen, setSeen] = useState(-1);
  useEffect(() => setSeen(count), [count]);
  return h(
    Stack,
    { gap: 'small' },
    h(Heading, { level: 1 }, greet),
    h(Button, { onPress: () => setCount(count + 1) }, `count ${count}`),
    h(Text, null, `seen ${seen}`),
    h(Field, { label: 'Note', value: note, onInput: setNote }),
    count % 2 === 1 && h(Text, { tone: 'good' }, 'odd'),
    h(
      List,
      { label: 'Rows' },
      rows.map((row) =>
        h(
          Item,
          { key: row, onPress: () => setRows(rows.filter((one) => one !== row)) },
          `Row ${row}`,
        ),
      ),
    ),
    h(Button, { onPress: () => setRows([...rows].reverse()) }, 'reverse'),
    h(Text, null, `note: ${note}`),
  );
}

export default definePlugin({
  provides: [View],
  activate(ctx) {
    views(ctx, { panel: preact(Panel) });
  },
});
