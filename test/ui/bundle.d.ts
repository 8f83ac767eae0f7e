/** The text of a plugin: see `test/support/bundled-plugins.ts`. */
declare module '*?bundle' {
  const code: string;
  export default code;
}
