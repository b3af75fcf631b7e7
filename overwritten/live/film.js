// Turns the still of a film into a slider. `film` holds pictures, sentences, the title and
// the step to begin with; `root` is the output's own element. No kernel, no network.
const last = film.pictures.length - 1;

function make(tag, attributes, words) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (words) element.textContent = words;
  return element;
}

// Without this mark on the focused element itself, JupyterLab takes the arrow keys.
const KEYS = { 'data-lm-suppress-shortcuts': 'true' };
const style = make('style', {}, film.style);
const group = make('div', { role: 'group', 'aria-label': film.title, class: 'controls' });
const slider = make('input', { type: 'range', min: 0, max: last, 'aria-label': 'step', ...KEYS });
const count = make('output', {});
const picture = make('div', { class: 'picture' });
const sentence = root.querySelector('.sentence');

function show(step) {
  step = Math.max(0, Math.min(last, step));
  slider.value = step;
  picture.innerHTML = film.pictures[step];
  count.textContent = `step ${step} of ${last}`;
  sentence.textContent = film.sentences[step];
  slider.setAttribute('aria-valuetext', film.sentences[step]);
}

function button(sign, label, by) {
  const element = make('button', { type: 'button', 'aria-label': label, ...KEYS }, sign);
  element.onclick = () => show(Number(slider.value) + by);
  return element;
}

slider.oninput = () => show(Number(slider.value));
group.append(button('◀', 'previous step', -1), slider, button('▶', 'next step', 1), count);
root.querySelector('.still').remove();
root.prepend(style, group, picture);
show(film.start);
