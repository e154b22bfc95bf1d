import type { Picked } from './upload-queue.js';

/** Whether a drag brings files, and not a piece of text or a link. */
export const bringsFiles = (transfer: DataTransfer | null): boolean =>
  transfer?.types.includes('Files') ?? false;

/**
 * The files of a drop, with those in folders, by their path. What was dropped is only there while the event is handled:
 * it is taken out before the first wait. Empty folders bring nothing.
 */
export function droppedFiles(transfer: DataTransfer): Promise<readonly Picked[]> {
  const found = [...transfer.items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  return Promise.all(
    found.map(async ({ entry, file }) => {
      if (entry !== null) return filesUnder(entry);
      return file === null ? [] : [{ path: file.name, file }];
    }),
  ).then((lists) => lists.flat());
}

async function filesUnder(entry: FileSystemEntry): Promise<readonly Picked[]> {
  const path = entry.fullPath.replace(/^\/+/, '');
  if (entry.isFile)
    return new Promise((resolve, reject) =>
      (entry as FileSystemFileEntry).file((file) => resolve([{ path, file }]), reject),
    );
  const lists: (readonly Picked[])[] = [];
  for (const inner of await entriesOf(entry as FileSystemDirectoryEntry)) lists.push(await filesUnder(inner));
  return lists.flat();
}

/** A reader gives a hundred at a time, and none at the end. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** The files that an input holds; those of a folder with the folder's name in front. */
export const chosenFiles = (files: FileList): readonly Picked[] =>
  [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** A picture from the clipboard has no name of its own: every browser calls it "image.png". */
export const pastedFiles = (files: FileList, now: Date): readonly Picked[] =>
  [...files].map((file, index) => ({ path: pastedName(file, now, index), file }));

export function pastedName(file: Pick<File, 'name' | 'type'>, now: Date, index: number): string {
  if (file.name !== '' && !/^image\.\w+$/.test(file.name)) return file.name;
  const time = now.toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '');
  const ending = /^image\/(\w+)/.exec(file.type)?.[1] ?? 'bin';
  return `pasted-${time}${index === 0 ? '' : `-${index}`}.${ending}`;
}
