# Regret under the stalest reads that SSP admits, with its bound: against s + 1 of 16 workers, against P with s = 8.
# Variables: directory (of the sweep regret-ssp-worst), output, picture.
width = 960
height = 460
load plots.'/style.gp'
streams = 'alternate block iid'
all_slacks = '0 1 2 4 8 16 32'
all_workers = '1 2 4 8 16 32 64'
file(stream, workers, slack, seed) = directory.'/stream-'.stream.'_virtual-workers-'.workers.'_staleness-'.slack.'_seed-'.seed.'/metrics.csv'
last(file, name) = real(system(sprintf("awk -F, -v name=%s 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i} END {print $at}' '%s'", name, file)))
positive(x) = x > 0 ? x : NaN
set datafile missing NaN
set multiplot layout 1,2
set logscale xy
set key outside top center horizontal
set ylabel 'regret after 65,536 rounds'
set yrange [20:60000]
set xrange [0.8:42]
set xtics (1, 2, 3, 5, 9, 17, 33)
set xlabel 's + 1 (16 workers; each seed a point)'
anchor = last(file('alternate', '16', '32', '1'), 'regret')
plot for [i=1:7] file('alternate', '16', word(all_slacks, i), '1') using (1 + real(word(all_slacks, i))):(column('bound')) \
     every ::4 with points lt 8 pt 7 ps 1.3 title (i == 1 ? 'bound' : ''), \
     for [k=1:3] for [seed=1:5] for [i=1:7] file(word(streams, k), '16', word(all_slacks, i), seed) \
     using (1 + real(word(all_slacks, i))):(positive(column('regret'))) every ::4 with points lt k ps 1.1 \
     title (seed == 1 && i == 1 ? word(streams, k) : ''), \
     [1:33] anchor * sqrt(x / 33) with lines lt 1 lw 1 dt 3 title 'sqrt(s + 1)'
set xrange [0.8:80]
set xtics (1, 2, 4, 8, 16, 32, 64)
set xlabel 'workers P (s = 8; each seed a point)'
anchor = last(file('alternate', '64', '8', '1'), 'regret')
plot for [i=1:7] file('alternate', word(all_workers, i), '8', '1') using (real(word(all_workers, i))):(column('bound')) \
     every ::4 with points lt 8 pt 7 ps 1.3 title (i == 1 ? 'bound' : ''), \
     for [k=1:3] for [seed=1:5] for [i=1:7] file(word(streams, k), word(all_workers, i), '8', seed) \
     using (real(word(all_workers, i))):(positive(column('regret'))) every ::4 with points lt k ps 1.1 \
     title (seed == 1 && i == 1 ? word(streams, k) : ''), \
     [1:64] anchor * sqrt(x / 64) with lines lt 1 lw 1 dt 3 title 'sqrt(P)'
unset multiplot
