/** What the types of `h()` and `views()` refuse. */
import { type Child, h, type Shown, views } from '@plinth/ui';
import { expect, expectTypeOf, it } from 'vitest';

const Row = ({ label, children }: { label: string; children: readonly Child[] }) =>
  h('item', null, h('text', null, label), children);

it('elements have their props, and handlers the detail of their events', () => {
  const node = h('field', {
    label: 'Name',
    onInput: (value) => expectTypeOf(value).toEqualTypeOf<string>(),
  });
  h('checkbox', { label: 'Yes', onChange: (on) => expectTypeOf(on).toEqualTypeOf<boolean>() });
  h('slider', { label: 'Loud', onInput: (at) => expectTypeOf(at).toEqualTypeOf<number>() });
  h('list', { label: 'Rows', key: 1 }, h(Row, { label: 'a' }), false, null, [h('divider')], 7);
  expect(node).toEqual({ type: 'field', props: node.props, children: [] });
  // @ts-expect-error not an element of the kit
  h('iframe', {});
  // @ts-expect-error a field has a label
  h('field', { value: '' });
  // @ts-expect-error not a tone
  h('badge', { tone: 'red' });
  // @ts-expect-error a stack hears nothing
  h('stack', { onPress() {} });
  // @ts-expect-error a component has its props
  h(Row, { name: 'a' });
});

it('a view may say what the application passes to it', () => {
  const ctx = { provide: () => ({ dispose() {} }) } as never;
  views(ctx, {
    panel: ({ props, signal }: Shown<{ readonly name: string }>) => {
      expectTypeOf(props).toEqualTypeOf<{ readonly name: string }>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return props.name;
    },
  });
  // @ts-expect-error a view shows something
  views(ctx, { panel: 'text' });
  // @ts-expect-error what it shows is a child
  views(ctx, { panel: () => ({ text: 'x' }) });
});
