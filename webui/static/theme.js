// Runs before the first paint, so that a chosen theme does not flash the other one. An external file, because the
// content security policy allows no inline script. The key is mode-watcher's.
(function () {
  try {
    var mode = localStorage.getItem('mode-watcher-mode');
    var root = document.documentElement;
    if (mode === 'light' || mode === 'dark') {
      root.classList.add(mode);
      root.style.colorScheme = mode;
    }
  } catch {
    // Storage is blocked: the system's wish stands.
  }
})();
