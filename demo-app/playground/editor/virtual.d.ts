/** What `build/editor-parts.ts` makes. */
declare module 'virtual:sdk-table' {
  const table: import('./sdk-table.ts').SdkTable;
  export default table;
}
declare module 'virtual:plugin-modules' {
  const modules: import('./compile.ts').PluginModules;
  export default modules;
}
