const KEYS = { 'data-lm-suppress-shortcuts': 'true' };
function make(tag, attributes, ...inside) {
  const svg = ['svg', 'rect', 'text'].includes(tag);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...inside);
  return element;
}
const screen = root.querySelector('.screen'), stills = [...screen.querySelectorAll('img')].map(still => still.src);
const said = make('p', { class: 'sentence', 'aria-live': 'polite' });
const clip = make('select', { 'aria-label': 'clip', ...KEYS }, ...clips.map((c, n) => make('option', { value: n }, `clip ${n + 1}`)));
const slider = make('input', { type: 'range', min: 0, max: FRAMES - 1, 'aria-label': 'frame', ...KEYS });
const play = make('button', { type: 'button', class: 'word', ...KEYS }, 'play');
const count = make('output', { 'aria-live': 'off' });
let timer = 0;
function show(frame) {
  const { boxes, words } = clips[clip.value];
  slider.value = frame;
  const what = words.map((w, n) => `Person ${n + 1}: ${w}.`).join(' ');
  const svg = make('svg', { viewBox: '0 0 60 40', role: 'img', 'aria-label': `Clip ${Number(clip.value) + 1}, frame ${frame + 1} of ${FRAMES}. ${what}` });
  svg.style.background = `url(${stills[clip.value]}) ${(100 * frame) / (FRAMES - 1)}% 0 / ${100 * FRAMES}% 100% #101020`;
  boxes.forEach(([a, b, c, d], n) => svg.append(make('rect', { x: a, y: b, width: c - a, height: d - b }), make('text', { x: a + 0.7, y: b + 3.4 }, n + 1)));
  screen.replaceChildren(svg);
  count.textContent = `frame ${frame + 1} of ${FRAMES}`;
  slider.setAttribute('aria-valuetext', count.textContent);
  if (said.textContent !== what) said.textContent = what;
}
function pause() {
  clearInterval(timer);
  timer = 0;
  play.textContent = 'play';
}
play.onclick = () => {
  if (timer) return pause();
  play.textContent = 'pause';
  timer = setInterval(() => (root.isConnected ? show((Number(slider.value) + 1) % FRAMES) : pause()), 250);
};
slider.oninput = () => { pause(); show(Number(slider.value)); };
clip.onchange = () => show(0);
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
screen.before(make('div', { role: 'group', 'aria-label': 'Play a clip', class: 'controls' }, clip, slider, ...(calm ? [] : [play]), count));
screen.after(said);
show(0);
