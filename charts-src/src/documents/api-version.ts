/** The version every document is written in. Older versions convert forward when they are read. */
export const API_VERSION = 'fullstackagent.dev/v1alpha1';
