/** The version of the kit. It stands alone, so that reading contributions loads no elements. */

/** The version of the kit. Manifests ask for a range of it in `contributes.ui.kit`. */
export const KIT_VERSION = '1.1.0';
