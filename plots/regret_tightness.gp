# The share of its bound that each stream of the search costs, against the length of its blocks: every seed a point.
# Variables: directory (of the sweep regret-tightness), output, picture.
width = 800
height = 470
load plots.'/style.gp'
theorems = 'lipschitz lipschitz-tight arbitrary-delays'
lengths = '33 65 97 130 150 195 260'
seeds = 40
file(theorem, block, seed) = directory.'/theorem-'.theorem.'_block-'.block.'_seed-'.seed.'/metrics.csv'
set xlabel 'rounds of a block (delay 64, T = 5000; theorems side by side)'
set ylabel 'regret / bound'
set xrange [20:280]
set yrange [-0.5:1.05]
set xtics (33, 65, 97, 130, 150, 195, 260)
set arrow from 20, 1 to 280, 1 nohead lc rgb '#444444' dt 3 lw 2
set label 'the bound' at 278, 1 right offset 0,-0.8 textcolor rgb '#444444'
plot for [k=1:3] for [b=1:7] for [s=1:seeds] file(word(theorems, k), word(lengths, b), s) \
     using (real(word(lengths, b)) + 4 * (k - 2)):(column('ratio')) every ::1 with points linetype k ps 0.7 \
     title (b == 1 && s == 1 ? word(theorems, k) : '')
