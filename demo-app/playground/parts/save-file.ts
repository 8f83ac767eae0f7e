/** Files that the page gives to the person at it, and takes from them. */

/** Saves parts of text as a file. The name is the page's own. */
export function saveFile(name: string, parts: readonly string[], type: string): void {
  const url = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; what it reads is kept until it ends.
  setTimeout(() => URL.revokeObjectURL(url));
}

/**
 * Reads a chosen file as text.
 *
 * @throws Error for one with more bytes than that, of which nothing is read.
 */
export async function readFile(file: File, most: number): Promise<string> {
  if (file.size > most)
    throw new Error(`the file has ${file.size} bytes, and at most ${most} are read`);
  return file.text();
}
