# AdaptiveRevision beside plain SGD: regret by T with the bounds, delay 16; by tau after 100,000 rounds.
# Variables: directory (of the sweep regret-revision), output, picture.
width = 960
height = 450
load plots.'/style.gp'
theorems = 'adaptive-revision lipschitz-tight'
streams = 'alternate iid'
delays = '0 4 16 64 256'
clocks = '10 100 1000'
folder(theorem, stream, delay, n) = directory.'/theorem-'.theorem.'_stream-'.stream.'_delay-'.delay.'_clocks-'.n.'_seed-1/metrics.csv'
positive(x) = x > 0 ? x : NaN
at(rounds, name) = column('rounds') == rounds ? positive(column(name)) : NaN
set multiplot layout 1,2
set logscale xy
set datafile missing NaN
set format '10^{%T}'
set key inside top left vertical
set xlabel 'rounds T'
set ylabel 'regret, alternate stream, delay 16'
set xrange [700:1.4e5]
set yrange [10:1e7]
plot for [s=1:2] for [n=1:3] folder(word(theorems, s), 'alternate', '16', word(clocks, n)) \
     using (100 * real(word(clocks, n))):(at(100 * real(word(clocks, n)), 'regret')) with points linetype s ps 1.3 \
     title (n == 1 ? word(theorems, s) : ''), \
     for [s=1:2] for [n=1:3] folder(word(theorems, s), 'alternate', '16', word(clocks, n)) \
     using (100 * real(word(clocks, n))):(at(100 * real(word(clocks, n)), 'bound')) with points linetype s pt 2 ps 1.1 \
     title (n == 1 ? 'bound, '.word(theorems, s) : '')
unset logscale x
set logscale x 4
set format x '%g'
set xlabel 'delay tau + 1 (rounds)'
set ylabel 'regret after 100,000 rounds'
set xrange [0.8:400]
set xtics ('1' 1, '5' 5, '17' 17, '65' 65, '257' 257)
plot for [s=1:2] for [k=1:2] for [i=1:5] folder(word(theorems, s), word(streams, k), word(delays, i), '1000') \
     using (1 + real(word(delays, i))):(at(1e5, 'regret')) with points linetype s pt (k == 1 ? (s == 1 ? 7 : 5) : (s == 1 ? 6 : 4)) ps 1.3 \
     title (i == 1 ? word(theorems, s).', '.word(streams, k) : '')
unset multiplot
