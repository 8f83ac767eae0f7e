/** Takes a file as text. It is a field of the browser, so that a keyboard and a drop reach it. */
import { messageOf, type OnFailure } from './action.tsx';
import { readFile } from './save-file.ts';

export function FileButton({
  label,
  most,
  onText,
  onFailure,
}: {
  readonly label: string;
  /** The most bytes that are read. */
  readonly most: number;
  readonly onText: (text: string) => Promise<void>;
  readonly onFailure: OnFailure;
}) {
  const take = async (input: HTMLInputElement) => {
    const [file] = input.files ?? [];
    if (file === undefined) return;
    onFailure(undefined);
    try {
      await onText(await readFile(file, most));
    } catch (error) {
      onFailure(messageOf(error));
    } finally {
      // The same file may be taken again.
      input.value = '';
    }
  };
  return (
    <label class="inline file">
      {label} <input type="file" onChange={({ currentTarget }) => void take(currentTarget)} />
    </label>
  );
}
