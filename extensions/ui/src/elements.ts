/** The kit: the elements that views are made of. */
import type { RowSource } from './asked-rows.js';
import type { ChartSeries } from './chart-data.js';
import type { Child } from './child.js';
import type { Tone } from './contract.js';

/** The space between children. */
export type Gap = 'none' | 'small' | 'medium' | 'large';

/** Pictures that every host has. */
export type IconName =
  | 'add'
  | 'back'
  | 'check'
  | 'close'
  | 'delete'
  | 'down'
  | 'edit'
  | 'error'
  | 'file'
  | 'folder'
  | 'forward'
  | 'heart'
  | 'info'
  | 'menu'
  | 'more'
  | 'pause'
  | 'play'
  | 'refresh'
  | 'remove'
  | 'search'
  | 'settings'
  | 'star'
  | 'up'
  | 'user'
  | 'warning';

/** A control that can take the focus. */
interface Focusable {
  /** Takes the focus once when it becomes true, if the user has just used the same view. */
  focus?: boolean;
  disabled?: boolean;
}

/**
 * Rows that are asked for as they come into sight, for lists of any length. Children of the element
 * itself stand above them, like a row of headings.
 */
type OnDemand =
  | {
      /** How many rows there are, at most 250 000. */
      count: number;
      /**
       * Makes the rows from `from` up to, and without, `to`: 50 at first, then at most 200 at a time.
       * While a promise is open, what is shown stays.
       */
      rows: RowSource<Child>;
    }
  | { count?: never; rows?: never };

/**
 * The elements, each with its props and events. Version 1.1 of the kit. An application that offers
 * elements of its own augments it.
 */
export interface Elements {
  /** Children in a column or a row. */
  stack: {
    gap?: Gap;
    direction?: 'row' | 'column';
    align?: 'start' | 'center' | 'end' | 'stretch';
    /** Whether a row may break. */
    wrap?: boolean;
    label?: string;
  };
  /** Children in columns of equal width, 1 to 12. Default: 2. */
  grid: { columns?: number; gap?: Gap; label?: string };
  heading: { level?: 1 | 2 | 3 };
  text: { tone?: Tone; size?: 'small' | 'medium' | 'large'; strong?: boolean };
  /** Code, in a line of text or as a block. */
  code: { block?: boolean; label?: string };
  /**
   * A PNG, JPEG, GIF or WebP image of at most 4096 × 4096 pixels. `data` is its base64, of at most
   * 700 000 characters. `url` is an address that `network.fetch` covers: the host fetches it for the
   * plugin. `label` says what it shows; an empty one says that it only decorates.
   */
  image: { label: string } & ({ data: string; url?: never } | { url: string; data?: never });
  /** A link to an `https:` or `mailto:` address. */
  link: { to: string };
  button: Focusable & {
    tone?: Tone;
    /** Its name for screen readers, when it shows only an icon. */
    label?: string;
    onPress?: () => unknown;
  };
  /** A field for one line of text. */
  field: Focusable & {
    label: string;
    value?: string;
    kind?: 'text' | 'email' | 'number' | 'search' | 'date' | 'url' | 'tel';
    placeholder?: string;
    onInput?: (value: string) => unknown;
    onChange?: (value: string) => unknown;
    /** Enter was pressed. */
    onSubmit?: (value: string) => unknown;
  };
  /** A field for several lines of text. */
  textarea: Focusable & {
    label: string;
    value?: string;
    rows?: number;
    placeholder?: string;
    onInput?: (value: string) => unknown;
    onChange?: (value: string) => unknown;
  };
  /** A choice from a list. Its children are `option`. */
  select: Focusable & { label: string; value?: string; onChange?: (value: string) => unknown };
  /** A choice from a few that are all seen. Its children are `option`. */
  radio: {
    label: string;
    value?: string;
    disabled?: boolean;
    onChange?: (value: string) => unknown;
  };
  /** A choice of `select` or `radio`. */
  option: { value: string; disabled?: boolean };
  checkbox: Focusable & {
    label: string;
    checked?: boolean;
    onChange?: (checked: boolean) => unknown;
  };
  slider: Focusable & {
    label: string;
    value?: number;
    min?: number;
    max?: number;
    step?: number;
    onInput?: (value: number) => unknown;
    onChange?: (value: number) => unknown;
  };
  /** A list. Its children are `item`. */
  list: { label: string } & OnDemand;
  item: { selected?: boolean; onPress?: () => unknown };
  /** A table. Its children are `row`, and theirs are `cell`. */
  table: { label: string } & OnDemand;
  row: { selected?: boolean };
  cell: { header?: boolean; align?: 'start' | 'center' | 'end' };
  /**
   * Lines or bars, which the host draws. At most 8 series of 500 values each. `points` are the names
   * of the values, at most 80 characters each; absent, they are numbered from 1.
   */
  chart: {
    label: string;
    kind?: 'line' | 'bar';
    points?: readonly string[];
    series: readonly ChartSeries[];
  };
  /**
   * A text in Markdown of at most 10 000 characters: headings, paragraphs, lists, quotes, code,
   * emphasis and links. HTML in it is text, and of an image its words are shown.
   */
  markdown: { text: string; label?: string };
  /** A row of `tab`. What a tab stands for is shown by the view itself. */
  tabs: { label: string };
  tab: { selected?: boolean; onPress?: () => unknown };
  /** A box in the view that asks for attention. Escape and its button close it. */
  dialog: { label: string; onClose?: () => unknown };
  /** From 0 to 1. Without a value, how far is not known. */
  progress: { label: string; value?: number };
  badge: { tone?: Tone };
  icon: { name: IconName; label?: string };
  divider: Record<never, never>;
  spinner: { label: string };
}
