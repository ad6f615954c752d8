# Regret on iid losses with proven bounds: against T for one delay; against tau after 100,000 rounds.
# Variables: directory (of the sweep regret-iid), output, picture.
width = 960
height = 450
load plots.'/style.gp'
theorems = 'smooth-iid-proven strongly-convex-iid adadelay'
delays = '1 4 16 64 256'
clocks = '10 100 1000'
folder(theorem, delay, n) = directory.'/theorem-'.theorem.'_loss-squared_delay-'.delay.'_clocks-'.n.'_seed-1/metrics.csv'
positive(x) = x > 0 ? x : NaN
at(rounds, name) = column('rounds') == rounds ? positive(column(name)) : NaN
set multiplot layout 1,2
set logscale xy
set datafile missing NaN
set format y '10^{%T}'
set format x '10^{%T}'
set key inside top left vertical
set xlabel 'rounds T'
set ylabel 'regret, delay 16'
set xrange [700:1.4e5]
set yrange [2:1e8]
plot for [s=1:3] for [n=1:3] folder(word(theorems, s), '16', word(clocks, n)) \
     using (100 * real(word(clocks, n))):(at(100 * real(word(clocks, n)), 'regret')) with points linetype s ps 1.3 \
     title (n == 1 ? word(theorems, s) : ''), \
     for [s=1:3] for [n=1:3] folder(word(theorems, s), '16', word(clocks, n)) \
     using (100 * real(word(clocks, n))):(at(100 * real(word(clocks, n)), 'bound')) with points linetype s pt 2 ps 1.1 \
     title (n == 1 ? "bound, ".word(theorems, s) : "")
set format x '%g'
set xlabel 'delay tau (rounds)'
set ylabel 'regret after 100,000 rounds'
set xrange [0.8:320]
set xtics (1, 4, 16, 64, 256)
plot for [s=1:3] for [i=1:5] folder(word(theorems, s), word(delays, i), '1000') \
     using (real(word(delays, i))):(at(1e5, 'regret')) with points linetype s ps 1.3 \
     title (i == 1 ? word(theorems, s) : ''), \
     for [s=1:3] for [i=1:5] folder(word(theorems, s), word(delays, i), '1000') \
     using (real(word(delays, i))):(at(1e5, 'bound')) with points linetype s pt 2 ps 1.1 \
     title (i == 1 ? "bound, ".word(theorems, s) : "")
unset multiplot
