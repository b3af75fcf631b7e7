const rows = [...root.querySelectorAll('tbody tr')].map(row => [row, row.textContent.toLowerCase()]);
const find = document.createElement('div');
const field = document.createElement('input');
const menu = document.createElement('select');
const count = document.createElement('output');
find.className = 'find';
field.type = 'search';
const show = () => {
  const words = field.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const [row, text] of rows) {
    const chosen = !menu.value || row.dataset.is?.split(' ').includes(menu.value);
    row.hidden = !chosen || !words.every(word => text.includes(word));
    shown += !row.hidden;
  }
  count.textContent = shown ? `${shown} of ${rows.length} rows` : 'nothing found: try a shorter word';
};
const add = (words, control) => {
  const label = document.createElement('label');
  control.dataset.lmSuppressShortcuts = 'true';
  control.oninput = show;
  label.append(words, control);
  find.append(label);
};
add('search', field);
if (root.dataset.verdicts) {
  menu.append(new Option('all', ''), ...root.dataset.verdicts.split('|').map((one, k) => new Option(one, k)));
  add('verdict', menu);
}
const box = root.querySelector('.scroll');
const more = document.createElement('span');
more.textContent = 'more columns: scroll right →';
find.append(count, more);
root.insertBefore(find, box);
new ResizeObserver(() => { more.hidden = box.scrollWidth <= box.clientWidth; }).observe(box);
show();
addEventListener('pageshow', show); // a browser that goes back has put the old words in
