# Proximal steps in blocks: what is left of the objective by time; the sum of squared moves as a share of its bound.
# Variables: directory (of the sweep regret-blocks), output, picture.
width = 960
height = 450
load plots.'/style.gp'
policies = 'bsp ssp-2 ssp-8 essp-8'
names = 'bsp ssp:2 ssp:8 essp:8'
stalenesses = '0 2 8'
folder(policy, s) = directory.'/policy-'.policy.'_staleness-'.s.'_nodes-16_seed-1/metrics.csv'
stats folder('bsp', '0') using (column('objective')) nooutput
least = STATS_min
above(x) = x > least + 1e-12 ? x - least : NaN
at_end(name) = column('steps') == 200 ? column(name) : NaN
set multiplot layout 1,2
set logscale y
set datafile missing NaN
set format y '10^{%T}'
set key inside top right vertical
set xlabel 'simulated time (s)'
set ylabel 'F - min F, 16 machines'
set yrange [1e-8:1e1]
plot for [i=1:4] folder(word(policies, i), '2') using (column('time_s')):(above(column('objective'))) with lines \
     linetype i title word(names, i).', steps for s = 2', \
     folder('ssp-8', '8') using (column('time_s')):(above(column('objective'))) with lines \
     linetype 5 title 'ssp:8, steps for s = 8'
set xlabel 'policy'
set ylabel 'sum of squared moves / bound'
set xrange [0.5:4.5]
set yrange [1e-3:1e2]
set xtics ('bsp' 1, 'ssp:2' 2, 'ssp:8' 3, 'essp:8' 4)
plot for [s=1:3] for [i=1:4] folder(word(policies, i), word(stalenesses, s)) \
     using (i):(at_end('ratio')) with points linetype s ps 1.4 \
     title (i == 1 ? 'steps for s = '.word(stalenesses, s) : ''), 1 with lines lt 8 lw 2 dt 3 title 'the bound'
unset multiplot
