# Regret of delayed SGD on logistic losses against tau + 1, after ever more rounds, on an iid and on a block stream, with
# the bound of the iid one.
# Variables: directory (of the sweep regret-smooth-iid), output, picture.
width = 960
height = 470
load plots.'/style.gp'
all_delays = '0 1 4 16 64 256 1024'
clocks = '10 100 1000'
rounds = '10^4 10^5 10^6'
file(stream, delay, clock, seed) = directory.'/stream-'.stream.'_loss-logistic_delay-'.delay.'_clocks-'.clock.'_seed-'.seed.'/metrics.csv'
positive(x) = x > 0 ? x : NaN
holding(name) = column('assumptions_hold') > 0 ? positive(column(name)) : NaN
set datafile missing NaN
set multiplot layout 1,2
set logscale xy
set key outside top center horizontal maxrows 3
set xlabel 'tau + 1 (iid stream; each seed a point)'
set ylabel 'regret'
set xrange [0.8:1300]
set xtics (1, 2, 5, 17, 65, 257, 1025)
set yrange [10:1e9]
set format y '10^{%T}'
plot for [k=1:3] for [s=1:3] for [i=1:7] file('iid', word(all_delays, i), word(clocks, k), s) \
     using (1 + real(word(all_delays, i))):(positive(column('regret'))) every ::1 with points lt k ps 1.2 \
     title (s == 1 && i == 1 ? 'T = '.word(rounds, k) : ''), \
     for [k=1:3] for [i=1:7] file('iid', word(all_delays, i), word(clocks, k), '1') \
     using (1 + real(word(all_delays, i))):(holding('bound')) every ::1 with points lt k pt 2 ps 1 \
     title (i == 2 ? 'bound, T = '.word(rounds, k) : '')
set xlabel 'tau + 1 (block stream; each seed a point)'
set yrange [10:1e5]
plot for [k=1:3] for [s=1:3] for [i=1:7] file('block', word(all_delays, i), word(clocks, k), s) \
     using (1 + real(word(all_delays, i))):(positive(column('regret'))) every ::1 with points lt k ps 1.2 \
     title (s == 1 && i == 1 ? 'T = '.word(rounds, k) : '')
unset multiplot
