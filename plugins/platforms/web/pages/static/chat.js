// What has to happen in the browser itself: sending on Enter, keeping what was typed, following the talk's end.
// A text stays in the tab's outbox until the server has taken it, and is sent again after a lost connection; its key
// makes a second delivery recognisable.
window.maum = (() => {
  const find = (name) => document.querySelector(`[data-maum="${name}"]`);
  const NEAR_PX = 90;
  const RECONNECT_MS = 1500; // the most to wait before the next try while the server is away
  let composing = false;
  let sticks = true; // the reader is at the end of the talk, so it follows

  const read = (key, otherwise) => JSON.parse(sessionStorage.getItem(key) || "null") ?? otherwise;
  const write = (key, value) => sessionStorage.setItem(key, JSON.stringify(value));
  const outbox = () => read("maum_outbox", []);
  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

  function deliver({ key, text }) {
    const length = [...text].length; // as the server counts
    const limit = Number(find("field").dataset.limit);
    emitEvent("maum_send", { key, length, text: length > limit ? text.slice(0, 200) : text });
  }

  function send() {
    const field = find("field");
    const letter = { key: newKey(), text: field.value };
    write("maum_outbox", [...outbox(), letter]);
    fill(field, "");
    sticks = true;
    deliver(letter);
  }

  function fill(field, text) {
    field.value = text;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    write("maum_draft", text);
  }

  function leaveOutbox(key) {
    const letter = outbox().find((one) => one.key === key);
    write("maum_outbox", outbox().filter((one) => one.key !== key));
    return letter;
  }

  function refused(key) {
    const letter = leaveOutbox(key);
    const field = find("field");
    if (letter && field) fill(field, field.value ? `${letter.text}\n${field.value}` : letter.text);
  }

  function connected() {
    window.socket.io.reconnectionDelayMax(RECONNECT_MS);
    const field = find("field");
    const draft = read("maum_draft", "");
    if (field && draft && !field.value) fill(field, draft);
    outbox().forEach(deliver);
  }

  function focus() {
    const field = find("field");
    if (field && matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true });
  }

  function suggest(text) {
    fill(find("field"), text);
    find("field").focus();
  }

  // The other tabs of this browser show the same person.
  const others = new BroadcastChannel("maum");
  others.onmessage = () => location.reload();
  const changed = () => others.postMessage("changed");

  let wanted = ""; // what is to be in view, last of all that was asked for

  function reveal(selector) {
    wanted = selector;
    look();
  }

  function look(frames = 120) {
    const found = wanted && document.querySelector(wanted);
    if (found) {
      wanted = "";
      found.scrollIntoView({ block: "start" });
    } else if (wanted && frames) {
      requestAnimationFrame(() => look(frames - 1)); // told of it before it is drawn
    }
  }

  // After forgetting: nothing typed stays here, and a person who was forgotten whole comes back as somebody new.
  async function begin(whole) {
    sessionStorage.removeItem("maum_outbox");
    sessionStorage.removeItem("maum_draft");
    if (whole) await fetch("/fresh", { method: "POST" });
    changed();
    location.reload();
  }

  async function logOut() {
    await fetch("/logout", { method: "POST", redirect: "manual" });
    changed();
    location.reload();
  }

  function keep(name, value) {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  }

  function tellTimes() {
    const today = new Date().toDateString();
    for (const one of document.querySelectorAll("time[data-at]:empty")) {
      const at = new Date(Number(one.dataset.at));
      const day = at.toDateString() === today ? {} : { month: "short", day: "numeric" };
      one.textContent = at.toLocaleString(document.documentElement.lang, { ...day, hour: "numeric", minute: "2-digit" });
      one.dateTime = at.toISOString();
    }
  }

  function follow() {
    tellTimes();
    const scroll = find("scroll");
    if (scroll && sticks && !find("card")) scroll.scrollTop = scroll.scrollHeight;
    const open = document.querySelector(".q-dialog, .q-menu");
    if (!open && document.activeElement === document.body) focus(); // the button that had it is gone
  }

  document.addEventListener("compositionstart", () => (composing = true));
  document.addEventListener("compositionend", () => (composing = false));
  document.addEventListener("keydown", (event) => {
    if (event.target !== find("field") || event.key !== "Enter" || event.shiftKey) return;
    // 229: Safari ends a composition before it tells of the key that ended it
    if (event.isComposing || composing || event.keyCode === 229) return;
    event.preventDefault();
    if (!event.repeat) send();
  });
  document.addEventListener("input", (event) => {
    if (event.target === find("field")) fill(event.target, event.target.value);
  });
  document.addEventListener("pointerdown", (event) => {
    if (event.target.closest('[data-maum="send"]')) event.preventDefault(); // the field keeps the focus
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-maum="send"]')) send();
  });
  document.addEventListener("scroll", (event) => {
    const it = event.target;
    if (it === find("scroll")) sticks = it.scrollHeight - it.scrollTop - it.clientHeight < NEAR_PX;
  }, true);
  addEventListener("resize", () => follow());
  new MutationObserver(follow).observe(document, { subtree: true, childList: true, characterData: true });

  return { begin, changed, connected, focus, keep, logOut, refused, reveal, suggest, taken: leaveOutbox };
})();
