# Mixed perceptrons: weighted mistakes by margin with the bound; all mistakes by number of shards.
# Variables: directory (of the sweep regret-mixing), output, picture.
width = 960
height = 450
load plots.'/style.gp'
margins = '0.05 0.1 0.2'
nodes = '1 4 16'
weights = 'uniform errors'
folder(weight, shards, margin) = directory.'/directions-sphere_weights-'.weight.'_nodes-'.shards.'_margin-'.margin.'_seed-1/metrics.csv'
at_end(name) = column('steps') == 80 ? column(name) : NaN
set multiplot layout 1,2
set logscale xy
set datafile missing NaN
set key inside top right vertical
set xlabel 'margin'
set ylabel 'mistakes, weighted by mu'
set xrange [0.045:0.23]
set yrange [5:2e3]
set xtics (0.05, 0.1, 0.2)
plot for [p=1:3] for [i=1:3] folder('uniform', word(nodes, p), word(margins, i)) \
     using (real(word(margins, i))):(at_end('measured')) with points linetype p ps 1.4 \
     title (i == 1 ? (p == 1 ? '1 shard' : word(nodes, p).' shards, uniform') : ''), \
     for [i=1:3] folder('errors', '16', word(margins, i)) \
     using (real(word(margins, i))):(at_end('measured')) with points linetype 4 ps 1.4 \
     title (i == 1 ? '16 shards, by errors' : ''), \
     [0.05:0.2] 1 / (x * x) with lines lt 8 lw 2 dt 3 title 'bound, R^2 / gamma^2'
set xlabel 'shards'
set ylabel 'all mistakes, margin 0.05'
set xrange [0.8:20]
set yrange [50:4e3]
set xtics (1, 4, 16)
set key inside top left vertical
plot for [w=1:2] for [p=1:3] folder(word(weights, w), word(nodes, p), '0.05') \
     using (real(word(nodes, p))):(at_end('mistakes')) with points linetype w ps 1.4 \
     title (p == 1 ? 'mu '.(w == 1 ? 'uniform' : 'by errors') : '')
unset multiplot
