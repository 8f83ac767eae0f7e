/** The entry of a bundle with the link and its dependencies, for the row that measures its size. */
export { Link } from '@plinth/sdk/rpc';
