import type { FitAddon } from '@xterm/addon-fit';
import type { SearchAddon } from '@xterm/addon-search';
import type { ITerminalOptions, Terminal } from '@xterm/xterm';

export interface XtermParts {
  readonly terminal: Terminal;
  readonly fit: FitAddon;
  readonly search: SearchAddon;
  /** Draws with the graphics card where that works; the DOM renderer stays where it does not. */
  readonly useWebgl: () => Promise<void>;
  readonly dispose: () => void;
}

const FONT = `ui-monospace, 'SF Mono', SFMono-Regular, 'Cascadia Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace`;
const SCROLLBACK = 10_000;

/** Links that a program prints open apart from the portal, and only web addresses do. */
function openLink(_event: MouseEvent, uri: string): void {
  const { protocol } = new URL(uri);
  if (protocol === 'http:' || protocol === 'https:') window.open(uri, '_blank', 'noopener,noreferrer');
}

/** A link of OSC 8 says one thing and leads somewhere else: where, as an address is written that hides nothing. */
const addressOf = (uri: string): string => (URL.canParse(uri) ? new URL(uri).href : uri);

/**
 * Loads xterm.js (only here: no other page needs it) and opens a terminal in `host`.
 * @param pointedAt told where the link under the mouse leads; undefined when there is none.
 */
export async function createXterm(
  host: HTMLElement,
  options: ITerminalOptions,
  pointedAt: (address: string | undefined) => void,
): Promise<XtermParts> {
  const [xterm, fitAddon, searchAddon, unicodeAddon, linksAddon] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
    import('@xterm/addon-search'),
    import('@xterm/addon-unicode11'),
    import('@xterm/addon-web-links'),
    import('@xterm/xterm/css/xterm.css'),
  ]);
  const terminal = new xterm.Terminal({
    fontFamily: FONT,
    scrollback: SCROLLBACK,
    // At 1 the underscores of DejaVu Sans Mono, the usual font on Linux, are cut off.
    lineHeight: 1.2,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    macOptionClickForcesSelection: true,
    allowProposedApi: true,
    minimumContrastRatio: 4.5,
    linkHandler: {
      activate: openLink,
      hover: (_event, uri) => pointedAt(addressOf(uri)),
      leave: () => pointedAt(undefined),
    },
    ...options,
  });
  const fit = new fitAddon.FitAddon();
  const search = new searchAddon.SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new unicodeAddon.Unicode11Addon());
  terminal.loadAddon(new linksAddon.WebLinksAddon(openLink));
  terminal.unicode.activeVersion = '11';
  terminal.open(host);
  return {
    terminal,
    fit,
    search,
    useWebgl: () => useWebgl(terminal),
    dispose: () => terminal.dispose(),
  };
}

/** WebGL in software (no graphics card, a virtual machine) is slower than the DOM renderer: then that one stays. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

function hasFastWebgl(): boolean {
  const probe = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  if (probe === null) return false;
  const info = probe.getExtension('WEBGL_debug_renderer_info');
  const renderer: unknown = probe.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? probe.RENDERER);
  probe.getExtension('WEBGL_lose_context')?.loseContext();
  return !SOFTWARE.test(String(renderer));
}

async function useWebgl(terminal: Terminal): Promise<void> {
  if (!hasFastWebgl()) return;
  const { WebglAddon } = await import('@xterm/addon-webgl');
  try {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => webgl.dispose());
    terminal.loadAddon(webgl);
  } catch {
    // No WebGL 2 after all: the DOM renderer draws.
  }
}
