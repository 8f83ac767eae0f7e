/** The entry of a bundle that holds the link and what it needs, for the row that weighs it. */
export { Link } from '@plinth/sdk/rpc';
