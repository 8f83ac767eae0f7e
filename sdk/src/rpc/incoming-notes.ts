/** One-way notes of the other side. What goes wrong with one is reported, and the link continues. */
import { createSharedError, type PluginError } from '../contract/errors.js';
import { Form } from './frames.js';
import type { LinkParts } from './link-parts.js';

/** Takes the frame of a note, which may hold several. */
export function takeNotes(
  parts: LinkParts,
  form: number,
  message: readonly unknown[],
  index: number,
  at: number,
): void {
  const { options, values } = parts;
  try {
    const target = message[index + 1];
    if (typeof target !== 'number')
      throw createSharedError('wire/refused', 'a note without a target');
    if (form === Form.text && options.trusting) {
      for (const payload of JSON.parse(message[at] as string) as unknown[])
        takeNote(parts, target, message[index + 2], payload);
    } else options.note(target, values.read(form, message, at, undefined), message[index + 2]);
  } catch (error) {
    options.onRefused?.(error as PluginError);
  }
}

/** Takes one note. */
export function takeNote(
  { options }: LinkParts,
  target: number,
  meta: unknown,
  payload: unknown,
): void {
  try {
    options.note(target, payload, meta);
  } catch (error) {
    options.onRefused?.(error as PluginError);
  }
}
